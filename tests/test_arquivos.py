"""Gravar não perde nem deixa restos; ler não executa, não trava e não cresce; baixar diz por que não veio."""

import errno
import http.server
import json
import os
import signal
import ssl
import stat
import subprocess
import threading
import time
import urllib.error

import httpx
import mortes
import pytest
import torch
from safetensors.torch import save_file

from gptmini import arquivos
from gptmini.arquivos import NaoGravou, NaoVeio, gravar

com_e_sem_nome = pytest.mark.parametrize("sem_nome", [True, False], ids=["como-aqui", "com-nome"])


@pytest.fixture
def como(monkeypatch):
    """Onde o sistema ou o disco não têm arquivos sem nome, o caminho é outro; os dois se testam."""
    def escolher(sem_nome):
        if not sem_nome:
            monkeypatch.setattr(arquivos, "_sem_nome", lambda pasta: None)
    return escolher


def nomes(pasta):
    return sorted(p.name for p in pasta.iterdir())


# -- gravar -----------------------------------------------------------------------------------------------


@com_e_sem_nome
@pytest.mark.parametrize("nome", ["m.pt", "ç ã.pt", "[a]*?.pt", "n" * 250, ".oculto", "sem-ponto"])
def test_grava_e_troca_qualquer_nome_sem_deixar_mais_nada(tmp_path, como, nome, sem_nome):
    como(sem_nome)
    for dados in (b"um", b"", b"\x00\xff" * 100_000):
        gravar(tmp_path / "nova" / nome, dados)
        assert (tmp_path / "nova" / nome).read_bytes() == dados and nomes(tmp_path / "nova") == [nome]


@com_e_sem_nome
def test_as_permissoes_sao_as_de_costume_ou_as_do_arquivo_trocado(tmp_path, como, sem_nome):
    como(sem_nome)
    mascara = os.umask(0o027)
    try:
        gravar(tmp_path / "m", b"1")
        assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o640
        (tmp_path / "m").chmod(0o604)
        gravar(tmp_path / "m", b"2")
    finally:
        os.umask(mascara)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o604


def test_um_atalho_continua_atalho_e_o_alvo_muda(tmp_path):
    (tmp_path / "longe").mkdir()
    (tmp_path / "atalho").symlink_to(tmp_path / "longe" / "m")
    for dados in (b"1", b"2"):      # da primeira vez, o alvo ainda não existe
        gravar(tmp_path / "atalho", dados)
        assert (tmp_path / "atalho").is_symlink() and (tmp_path / "longe" / "m").read_bytes() == dados
    assert nomes(tmp_path) == ["atalho", "longe"] and nomes(tmp_path / "longe") == ["m"]


def test_o_que_nao_e_um_arquivo_comum_nao_se_troca(tmp_path):
    (tmp_path / "pasta").mkdir()
    os.mkfifo(tmp_path / "fila")
    (tmp_path / "arquivo").write_bytes(b"")
    for alvo, frase in (("pasta", "o de uma pasta"), ("fila", "aparelho"), ("arquivo/m", "no meio do caminho há um arquivo"), ("n" * 300, "comprido")):
        with pytest.raises(NaoGravou, match=frase) as erro:
            gravar(tmp_path / alvo, b"x")
        assert erro.value.errno and len(str(erro.value)) < 300 and "\n" not in str(erro.value)
    for ruim in (3, None, "a\0b"):
        with pytest.raises(TypeError, match="esperava o nome de um arquivo"):
            gravar(ruim, b"x")
    assert nomes(tmp_path) == ["arquivo", "fila", "pasta"] and stat.S_ISFIFO((tmp_path / "fila").stat().st_mode)


FALHAS = {errno.ENOSPC: "disco está cheio", errno.EDQUOT: "está cheia", errno.EACCES: "falta permissão", errno.EROFS: "só de leitura",
          errno.EIO: "defeito", errno.EFBIG: "grande demais", 9999: "o sistema respondeu «x»"}


@com_e_sem_nome
@pytest.mark.parametrize("codigo", FALHAS)
def test_a_falha_diz_o_motivo_guarda_o_codigo_e_deixa_o_antigo(tmp_path, monkeypatch, como, codigo, sem_nome):
    como(sem_nome)
    gravar(tmp_path / "m", b"antigo")
    original = os.fsync if codigo != errno.EACCES else None

    def falhar(*_):
        raise OSError(codigo, "x")

    monkeypatch.setattr(os, "fsync" if original else "access", falhar)
    with pytest.raises(NaoGravou, match=FALHAS[codigo]) as erro:
        gravar(tmp_path / "m", b"novo")
    assert erro.value.errno == codigo and "gravar m em" in str(erro.value)
    assert (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


def test_disco_cheio_de_verdade(tmp_path, monkeypatch):
    if not os.path.exists("/dev/full"):
        pytest.skip("este sistema não tem /dev/full")
    gravar(tmp_path / "m", b"antigo")
    abrir = arquivos._abrir

    def no_cheio(novo):
        os.dup2(os.open("/dev/full", os.O_RDWR), (arquivo := abrir(novo)).fileno())
        return arquivo

    monkeypatch.setattr(arquivos, "_abrir", no_cheio)
    with pytest.raises(NaoGravou, match="disco está cheio") as erro:
        gravar(tmp_path / "m", b"x" * 100_000)
    assert erro.value.errno == errno.ENOSPC and (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


@com_e_sem_nome
def test_o_que_o_disco_devolve_trocado_nao_toma_o_lugar_do_antigo(tmp_path, monkeypatch, como, sem_nome):
    como(sem_nome)
    gravar(tmp_path / "m", b"antigo")
    fsync = os.fsync

    def estragar(descritor):
        fsync(descritor)
        os.pwrite(descritor, b"?", 3)

    monkeypatch.setattr(os, "fsync", estragar)
    with pytest.raises(NaoGravou, match="o disco não devolveu o que foi escrito"):
        gravar(tmp_path / "m", b"novo inteiro")
    assert (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


def test_um_arquivo_aberto_por_outro_programa_e_tentado_algumas_vezes(tmp_path, monkeypatch):
    """O que um antivírus faz no Windows: por um instante, ou por muito tempo, o os.replace não passa."""
    gravar(tmp_path / "m", b"antigo")
    trocar, tentativas = os.replace, []

    def presa(*nomes_dos_dois):
        tentativas.append(1)
        if len(tentativas) < preso_por:
            raise PermissionError(errno.EACCES, "Access is denied")
        return trocar(*nomes_dos_dois)

    monkeypatch.setattr(os, "replace", presa)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    preso_por = 4
    gravar(tmp_path / "m", b"novo")
    assert (tmp_path / "m").read_bytes() == b"novo" and len(tentativas) == 4
    preso_por = 10**9
    with pytest.raises(NaoGravou, match="outro programa está com o arquivo aberto") as erro:
        gravar(tmp_path / "m", b"terceiro")
    assert erro.value.errno == errno.EACCES and (tmp_path / "m").read_bytes() == b"novo" and nomes(tmp_path) == ["m"]


@com_e_sem_nome
@pytest.mark.parametrize("onde", ["os.fsync", "os.replace", "gptmini.arquivos._trancado"])
def test_ctrl_c_no_meio_nao_deixa_restos(tmp_path, monkeypatch, como, onde, sem_nome):
    como(sem_nome)
    gravar(tmp_path / "m", b"antigo")

    def parar(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(onde, parar)
    with pytest.raises(KeyboardInterrupt):
        gravar(tmp_path / "m", b"novo")
    assert (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


def test_varre_o_resto_de_um_morto_e_so_dele(tmp_path, monkeypatch, como):
    como(sem_nome=False)
    fora, dentro = os.pipe()

    def parar_no_meio():
        monkeypatch.setattr(os, "fsync", lambda _: (os.write(dentro, b"x"), time.sleep(60)))
        gravar(tmp_path / "m", b"nunca chega")

    vivo, morto = mortes.filho(parar_no_meio), mortes.filho(parar_no_meio)
    try:
        os.read(fora, 1), os.read(fora, 1)
        os.kill(morto, signal.SIGKILL)
        os.waitpid(morto, 0)
        de_outro = [f"n.{'0' * 16}.parcial", "m.parcial", "m.meu.parcial", f"m.{'g' * 16}.parcial"]
        for nome in de_outro:
            (tmp_path / nome).write_bytes(b"")
        assert len(nomes(tmp_path)) == 2 + len(de_outro)
        gravar(tmp_path / "m", b"novo")
        assert len(nomes(tmp_path)) == 2 + len(de_outro) and {"m", *de_outro} < {*nomes(tmp_path)}      # ficou o do vivo
    finally:
        os.kill(vivo, signal.SIGKILL)
        os.waitpid(vivo, 0)
    gravar(tmp_path / "m", b"outro")
    assert nomes(tmp_path) == sorted(["m", *de_outro])


def test_sem_trava_do_sistema_a_idade_diz_quem_morreu(tmp_path, monkeypatch):
    """O caminho do Windows."""
    monkeypatch.setattr(arquivos, "fcntl", None)
    monkeypatch.setattr(arquivos, "_sem_nome", lambda pasta: None)
    velho, novo = (tmp_path / f"m.{letra * 16}.parcial" for letra in "ab")
    for resto in (velho, novo):
        resto.write_bytes(b"")
    os.utime(velho, (time.time() - 3600,) * 2)
    gravar(tmp_path / "m", b"1")
    assert nomes(tmp_path) == ["m", novo.name]


@pytest.mark.lento
@com_e_sem_nome
@pytest.mark.parametrize("grava", [mortes.um_modelo, mortes.um_ponto, mortes.uma_pagina, mortes.um_treino])
def test_morto_a_qualquer_momento_nada_se_perde_e_nada_sobra(monkeypatch, como, grava, sem_nome):
    como(sem_nome)
    conta = mortes.matar(grava, 6, ate=0.5 if grava is mortes.um_treino else 0.05)
    assert conta["mortes"] == 6 and conta["perdas"] == conta["restos no fim"] == 0, conta


@pytest.mark.lento
@com_e_sem_nome
@pytest.mark.parametrize("grava", [mortes.um_modelo, mortes.um_ponto, mortes.uma_pagina])
def test_dois_processos_gravam_o_mesmo_arquivo(como, grava, sem_nome):
    como(sem_nome)
    conta = mortes.em_dupla(grava, 3, 6)
    assert conta == {"gravações": 36, "falhas": 0, "pares": 3, "quebrados": 0, "restos": 0}


# -- ler --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("valor", [float("nan"), float("inf"), "", {}, [], None, True, {"a": [1, {"b": (2, "c")}]}, "\ud800", 2**62, -0.5])
def test_o_que_e_simples_fica_como_e(valor):
    assert repr(arquivos.simples(valor)) == repr(valor)


def pasta_de_modelo(pasta):
    save_file({"wte.weight": torch.zeros(2, 2)}, pasta / "model.safetensors")
    (pasta / "config.json").write_text("{}")
    return pasta


def bilhete(pasta, nome):
    (pasta / nome).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n")


def em_pedacos(pasta, nome, indice):
    (pasta / "model.safetensors").unlink()
    (pasta / nome).write_bytes(b"x")
    (pasta / indice).write_text("{}")


RUINS = {
    "bilhete-do-lfs": (lambda p: bilhete(p, "model.safetensors"), "Git LFS.*git lfs pull"),
    "ficha-do-lfs": (lambda p: bilhete(p, "config.json"), "Git LFS.*git lfs pull"),
    "em-pedacos": (lambda p: em_pedacos(p, "model-00001-of-00002.safetensors", "model.safetensors.index.json"), "pedaços.*save_pretrained"),
    "em-pedacos-bin": (lambda p: em_pedacos(p, "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"), "pedaços.*save_pretrained"),
    "pesos-que-sao-uma-pasta": (lambda p: ((p / "model.safetensors").unlink(), (p / "model.safetensors").mkdir()), "não tem um modelo"),
    "pesos-que-sao-uma-fila": (lambda p: ((p / "model.safetensors").unlink(), os.mkfifo(p / "model.safetensors")), "não tem um modelo"),
    "ficha-funda": (lambda p: (p / "config.json").write_text("[" * 100_000), "quebrado"),
    "ficha-em-latin1": (lambda p: (p / "config.json").write_bytes(b'{"\xe7": 1}'), "quebrado"),
    "ficha-null": (lambda p: (p / "config.json").write_text("null"), "quebrado"),
}


@pytest.mark.parametrize("caso", RUINS)
def test_a_pasta_que_nao_serve_e_recusada_com_o_remedio(tmp_path, caso):
    RUINS[caso][0](pasta_de_modelo(tmp_path))
    with pytest.raises((ValueError, FileNotFoundError), match=RUINS[caso][1]) as erro:
        arquivos.ler_modelo(tmp_path)
    assert "\n" not in str(erro.value)


def test_os_inteiros_ficam_inteiros_para_quem_confere(tmp_path):
    save_file({"a": torch.zeros(2, dtype=torch.half), "b": torch.zeros(2, dtype=torch.int64)}, pasta_de_modelo(tmp_path) / "model.safetensors")
    tipos = {nome: p.dtype for nome, p in arquivos.ler_modelo(tmp_path)[1].items()}
    assert tipos == {"a": torch.float32, "b": torch.int64}


# -- baixar -----------------------------------------------------------------------------------------------


@pytest.fixture
def servidor(tmp_path):
    """Um servidor https local de certificado caseiro, que ninguém reconhece."""
    chave, certificado = tmp_path / "chave.pem", tmp_path / "certificado.pem"
    feito = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", chave,
                            "-out", certificado], capture_output=True, check=False) if subprocess.run(["which", "openssl"], capture_output=True, check=False).returncode == 0 else None
    if feito is None or feito.returncode:
        pytest.skip("sem o openssl não há como fazer um certificado")
    servidor = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    contexto = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    contexto.load_cert_chain(certificado, chave)
    servidor.socket = contexto.wrap_socket(servidor.socket, server_side=True)
    threading.Thread(target=servidor.serve_forever, daemon=True).start()
    yield servidor
    servidor.shutdown()
    servidor.server_close()


def test_um_certificado_recusado_diz_que_foi_ele(servidor, tmp_path):
    with pytest.raises(NaoVeio, match="certificado.*data e a hora.*escola.*SSL_CERT_FILE") as erro:
        arquivos.baixar(f"https://127.0.0.1:{servidor.server_port}/x", "0" * 64, tmp_path / "d" / "x")
    assert "\n" not in str(erro.value) and nomes(tmp_path / "d") == []


@pytest.mark.parametrize("erro", [
    urllib.error.URLError(ssl.SSLCertVerificationError(1, "x")), httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")])
def test_do_hub_o_certificado_tambem(monkeypatch, erro):
    import huggingface_hub

    def falhar(*_, **__):
        raise erro

    monkeypatch.setattr(huggingface_hub, "snapshot_download", falhar)
    with pytest.raises(NaoVeio, match="dono/nome não veio.*certificado"):
        arquivos.do_hub("dono/nome", "a" * 40)


def test_do_hub_so_se_recusa_o_que_se_conhece(monkeypatch, tmp_path):
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    def falhar(*_, **__):
        raise erro

    monkeypatch.setattr(huggingface_hub, "snapshot_download", falhar)
    for erro, frase in ((HFValidationError("x"), "confira o nome"), (LocalEntryNotFoundError("x"), "confira o nome"), (httpx.ReadTimeout("x"), "confira o nome"),
                        (ConnectionError("x"), "confira o nome"), (OSError(errno.ENOSPC, "x"), "disco está cheio")):
        with pytest.raises(NaoVeio, match=f"dono/nome não veio.*{frase}"):
            arquivos.do_hub("dono/nome", "a" * 40)
    erro = ZeroDivisionError("um erro nosso")      # este não é da rede, e não se disfarça de um
    with pytest.raises(ZeroDivisionError):
        arquivos.do_hub("dono/nome", "a" * 40)
    (tmp_path / "config.json").write_text(json.dumps({}))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(NaoVeio, match="não tem model.safetensors nem pytorch_model.bin.*pedaços"):
        arquivos.do_hub("dono/nome", "a" * 40)
