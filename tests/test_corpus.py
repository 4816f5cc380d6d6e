"""Textos de fora: o que vem inteiro serve, o que vem quebrado não fica, e a frase diz o que houve."""

import errno
import hashlib
import http.server
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from apoio import arquivos, corpus

CAPITULO = Path(__file__).resolve().parent.parent / "04-gpt-do-zero"
TEXTO = "Era uma vez uma agulha, que disse a um novelo de linha:\n— Por que está você com esse ar?\n" * 40
DADOS = TEXTO.encode()


class Servidor(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.pedidos += 1
        if self.path == "/ausente":
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(DADOS)))
        self.end_headers()
        if self.path == "/mudo":
            self.server.solta.wait(10)
            return None
        fica = len(DADOS) // 2 if self.path == "/cortado" else len(DADOS)
        self.wfile.write(DADOS[:fica] if self.path != "/trocado" else DADOS[::-1])
        if self.path == "/derrubado":
            self.connection.shutdown(socket.SHUT_RDWR)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def servidor():
    servidor = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Servidor)
    servidor.pedidos, servidor.solta = 0, threading.Event()
    threading.Thread(target=servidor.serve_forever, daemon=True).start()
    yield servidor
    servidor.solta.set()
    servidor.shutdown()
    servidor.server_close()


@pytest.fixture
def machado(servidor, tmp_path, monkeypatch):
    """corpus.machado() apontado para o servidor local; devolve uma função que escolhe o caminho pedido."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(corpus, "SHA256", hashlib.sha256(DADOS).hexdigest())

    def apontar(caminho):
        monkeypatch.setattr(corpus, "URL", f"http://127.0.0.1:{servidor.server_port}/{caminho}")
        return tmp_path / "gptmini"
    return apontar


def test_vem_inteiro_uma_vez_so(machado, servidor):
    pasta = machado("certo")
    assert corpus.machado() == TEXTO and corpus.machado() == TEXTO
    assert servidor.pedidos == 1
    assert [p.name for p in pasta.iterdir()] == ["machado.txt"]


def test_copia_estragada_no_disco_e_trazida_outra_vez(machado, servidor):
    pasta = machado("certo")
    corpus.machado()
    (pasta / "machado.txt").write_bytes(DADOS[:-1])
    assert corpus.machado() == TEXTO and servidor.pedidos == 2


@pytest.mark.parametrize("caminho, frase", [("trocado", "não é o arquivo esperado"), ("cortado", "não é o arquivo esperado"),
                                            ("ausente", "respondeu 404"), ("mudo", "sem resposta")])
def test_o_que_vem_errado_nao_deixa_arquivo(machado, monkeypatch, caminho, frase):
    monkeypatch.setattr(arquivos, "ESPERA", 0.3)
    pasta = machado(caminho)
    with pytest.raises(arquivos.NaoVeio, match=frase) as erro:
        corpus.machado()
    assert list(pasta.iterdir()) == []
    assert "\n" not in str(erro.value)


def test_falha_nao_apaga_a_copia_boa_de_outro_resumo(machado):
    pasta = machado("trocado")
    pasta.mkdir()
    (pasta / "machado.txt").write_bytes(b"outra versao")
    with pytest.raises(arquivos.NaoVeio):
        corpus.machado()
    assert (pasta / "machado.txt").read_bytes() == b"outra versao"


def test_sem_rede(machado, monkeypatch):
    pasta = machado("certo")
    with socket.socket() as porta:      # reservada e sem ninguém escutando: a ligação é recusada
        porta.bind(("127.0.0.1", 0))
        monkeypatch.setattr(corpus, "URL", f"http://127.0.0.1:{porta.getsockname()[1]}/certo")
        with pytest.raises(arquivos.NaoVeio, match="confira a internet"):
            corpus.machado()
    assert list(pasta.iterdir()) == []


def test_endereco_que_nao_existe(machado, monkeypatch):
    machado("certo")
    monkeypatch.setattr(corpus, "URL", "http://curso.invalid/texto")
    with pytest.raises(arquivos.NaoVeio, match="confira a internet"):
        corpus.machado()


def test_a_espera_pela_rede_nao_fica_de_heranca(machado):
    machado("ausente")
    with pytest.raises(arquivos.NaoVeio):
        corpus.machado()
    assert socket.getdefaulttimeout() is None


def test_disco_cheio(machado, monkeypatch):
    pasta = machado("certo")

    def cheio(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(arquivos.os, "fsync", cheio)
    with pytest.raises(arquivos.NaoVeio, match="disco está cheio"):
        corpus.machado()
    assert list(pasta.iterdir()) == []


def test_disco_cheio_de_verdade(machado, monkeypatch):
    if not Path("/dev/full").exists():
        pytest.skip("este sistema não tem /dev/full")
    pasta = machado("certo")
    monkeypatch.setattr(arquivos, "_abrir", lambda novo: open("/dev/full", "r+b"))
    with pytest.raises(arquivos.NaoVeio, match="disco está cheio"):
        corpus.machado()
    assert list(pasta.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissões do tipo Unix")
@pytest.mark.lento
def test_sem_permissao_de_escrita(machado, tmp_path):
    machado("certo")
    programa = ("import os, sys, torch; from apoio import arquivos, corpus\n"
                "torch.hub.get_dir, corpus.URL = (lambda: sys.argv[1]), sys.argv[2]\n"
                "if os.geteuid() == 0: os.setuid(65534)      # root escreveria em qualquer pasta\n"
                "try: corpus.machado()\nexcept arquivos.NaoVeio as erro: print(erro)")
    fechada = tmp_path / "fechada"
    fechada.mkdir(mode=0o555)
    saida = subprocess.run([sys.executable, "-c", programa, str(fechada), corpus.URL], capture_output=True, text=True, check=False,
                           env=os.environ | {"PYTHONPATH": str(CAPITULO)})
    assert "falta permissão" in saida.stdout, saida.stderr
    assert list(fechada.iterdir()) == []


def test_onde_a_licao_deixa_vao_historinhas(machado, capsys):
    machado("ausente")
    nome, texto = corpus.machado_ou_historinhas(20)
    assert nome == "historinhas" and len(texto.split("\n\n")) >= 20
    assert "404" in capsys.readouterr().out
    machado("certo")
    assert corpus.machado_ou_historinhas() == ("Machado de Assis", TEXTO)


def test_o_endereco_e_o_resumo_sao_os_do_curso():
    assert corpus.URL.startswith("https://raw.githubusercontent.com/wmelo52/GPTLab/dd6ccfb62b64eb00e4963f725cc9d4045a6aa39d/")
    assert len(corpus.SHA256) == 64
    copia = Path(__file__).resolve().parents[2] / "shared" / "dados" / "machado_contos.txt"
    if copia.exists():
        assert arquivos.sha256(copia) == corpus.SHA256


# -- o texto do aluno --------------------------------------------------------------------------------------

FRASE = "— Coração, pão e «ação»: é só começar… A avó disse: “não há pressa”.\nFim?\n"
CODIFICACOES = ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize("quebra", ["\n", "\r\n", "\r"], ids=["unix", "windows", "mac-antigo"])
@pytest.mark.parametrize("codificacao", CODIFICACOES)
def test_a_codificacao_e_reconhecida(tmp_path, codificacao, quebra):
    arquivo = tmp_path / "meu texto ção.txt"
    arquivo.write_bytes(FRASE.replace("\n", quebra).encode(codificacao))
    assert corpus.de_arquivo(arquivo) == FRASE


def test_latin1_e_reconhecida(tmp_path):
    arquivo = tmp_path / "latin1.txt"
    frase = "A lição começou às três; o irmão não veio. Às vezes é assim.\n"
    arquivo.write_bytes(frase.encode("latin-1"))
    assert corpus.de_arquivo(str(arquivo)) == frase


def test_ascii_puro_e_outros_alfabetos_em_utf8(tmp_path):
    for texto in ("so letras sem acento\n", "Привет, мир! 你好\n"):
        (tmp_path / "t.txt").write_text(texto, encoding="utf-8")
        assert corpus.de_arquivo(tmp_path / "t.txt") == texto


RUINS = {
    "vazio": (b"", "vazio"),
    "so-espacos": (b" \n\t\n", "vazio"),
    "so-o-bom": (b"\xef\xbb\xbf", "vazio"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "PDF"),
    "docx": (b"PK\x03\x04\x14\x00\x06\x00", "docx"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "Word"),
    "rtf": (b"{\\rtf1\\ansi ol\\'e1}", "RTF"),
    "imagem": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "UTF-8"),
    "zeros": (bytes(1000), "UTF-8"),
    "bytes-ao-acaso": (torch.randint(256, (5000,), generator=torch.Generator().manual_seed(0)).to(torch.uint8).numpy().tobytes(), "UTF-8"),
    "dos-cp850": ("Coração, não: é só pão e avó.\n".encode("cp850") * 5, "UTF-8"),
    "mac-roman": ("Coração, não: é só pão e avó.\n".encode("mac-roman") * 5, "UTF-8"),
    "utf-16-cortado": (FRASE.encode("utf-16")[:-1], "UTF-8"),
    "utf-32": (FRASE.encode("utf-32"), "UTF-8"),
    "texto-com-um-zero": (b"ola\x00mundo, que tal tudo isso por aqui", "UTF-8"),
}


@pytest.mark.parametrize("caso", RUINS)
def test_o_que_nao_e_texto_e_recusado_com_o_que_fazer(tmp_path, caso):
    dados, frase = RUINS[caso]
    (tmp_path / "arquivo.txt").write_bytes(dados)
    with pytest.raises(corpus.TextoInvalido, match=f"^arquivo.txt .*{frase}"):
        corpus.de_arquivo(tmp_path / "arquivo.txt")


def test_utf8_cortado_em_qualquer_byte_e_dito_ou_e_o_comeco():
    dados, recusados = (TEXTO[:300] + FRASE).encode(), 0
    for n in range(1, len(dados)):
        try:
            texto = corpus.decodificar(dados[:n])
        except corpus.TextoInvalido as erro:
            assert f"cortado no meio de uma letra: é UTF-8 até o byte {n - (dados[n - 1] > 191)}" in str(erro) or dados[n - 1] < 192
            recusados += 1
            continue
        assert (TEXTO[:300] + FRASE).startswith(texto)
    assert recusados == sum(0x80 <= b < 0xC0 for b in dados)


@pytest.mark.parametrize("corte", ["era uma av\xc3", "disse: \xe2\x80", "AÇÃ\xc3".encode()[:-1].decode("latin-1"), "ol\xc3\xa1 \xf0\x9f\x98"])
def test_o_corte_na_unica_letra_acentuada_tambem_e_dito(corte):
    with pytest.raises(corpus.TextoInvalido, match="cortado no meio de uma letra.* linha 2"):
        corpus.decodificar(b"um\r\n" + corte.encode("latin-1"))


def test_um_byte_errado_no_meio_diz_a_linha_e_nunca_vira_outra_letra():
    texto = TEXTO[:90] + FRASE
    dados = texto.encode()
    for i in range(len(dados)):
        for byte in (0x80, 0xA3, 0xC3, 0xE9, 0xFF):
            mexidos = dados[:i] + bytes([byte]) + dados[i + 1 :]
            try:
                lido = corpus.decodificar(mexidos)
            except corpus.TextoInvalido as erro:
                assert re.search(r"na linha \d|começo", str(erro))
                continue
            assert lido == mexidos.decode("utf-8")
    with pytest.raises(corpus.TextoInvalido, match=r"na linha 3 um byte.*0xe9"):
        corpus.decodificar("Então\r\no avô\r\ncomeu caf".encode() + b"\xe9 e saiu")


PALAVRAS = ("Ávido à água bênção cabeça Coração daí daí-me dúvida egípcio época é fácil há hífen índio indício Já Lá lâmpada mãe "
            "maçã médio não nós ônibus órgão país pé põe prólogo só três último vaivém você vovô VITÓRIA AÇÃO").split()


@pytest.mark.parametrize("codificacao", ["mac-roman", "cp850"])
def test_uma_palavra_noutra_codificacao_nao_vira_mojibake(codificacao):
    """Quase sempre: o «à» do DOS é o «…» do Windows, e quem só vê esse byte não tem como saber."""
    errados = []
    for palavra in PALAVRAS:
        try:
            assert corpus.decodificar(palavra.encode(codificacao)) != palavra      # recusamos as duas, sem tentar adivinhar
            errados.append(palavra)
        except corpus.TextoInvalido:
            pass
    assert len(errados) <= 1, errados


@pytest.mark.parametrize("codificacao", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_uma_palavra_so_basta(codificacao):
    for palavra in PALAVRAS:
        assert corpus.decodificar(palavra.encode(codificacao)) == palavra


@pytest.mark.parametrize("texto", ["— Sim… — disse ele. — Já!", "‘aspas’ e “aspas”", "o copo d’água, n’alma, lh’o deu", "MAÇÃ, ÊXITO",
                                   "o 1º e a 2ª, a 20°C; §3º", "V. Ex.ª e àquele, às três", "Müller e El Niño", "«Olá»\xa0!", "Ñandu"])
def test_o_que_se_escreve_em_cp1252(texto):
    assert corpus.decodificar(texto.encode("cp1252")) == texto


def test_o_fim_de_arquivo_do_dos(tmp_path):
    (tmp_path / "dos.txt").write_bytes(b"era uma vez\r\n\x1a\x1a")
    assert corpus.de_arquivo(tmp_path / "dos.txt") == "era uma vez\n"
    with pytest.raises(corpus.TextoInvalido, match=r"na linha 2 um código que texto não tem \(26\)"):
        corpus.decodificar(b"era\numa \x1a vez")
    with pytest.raises(corpus.TextoInvalido, match="vazio"):
        corpus.decodificar(b"\x1a")


@pytest.mark.parametrize("dados", [None, "texto", 5, [1, 2]])
def test_o_que_nao_sao_bytes(dados):
    with pytest.raises(TypeError, match=r"recebe bytes.*; veio \w+\.$"):
        corpus.decodificar(dados)


@pytest.mark.parametrize("caminho", [None, 5, b"a.txt", ["a.txt"], True])
def test_o_que_nao_e_um_caminho(caminho):
    with pytest.raises(TypeError, match=r"esperava o caminho de um arquivo.*; veio \w+\.$"):
        corpus.de_arquivo(caminho)


@pytest.mark.parametrize("nome", ["nada.txt", "com\0zero", "x" * 5000, "duas\nlinhas"])
def test_arquivo_que_nao_existe(tmp_path, nome):
    with pytest.raises(FileNotFoundError, match=r"^não achei .*; a busca partiu de .*\.$") as erro:
        corpus.de_arquivo(str(tmp_path / nome))
    assert len(str(erro.value)) < 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="canos e aparelhos do tipo Unix")
@pytest.mark.parametrize(("qual", "motivo"), [("cano", "não é um arquivo comum"), ("/dev/zero", "não é um arquivo comum"),
                                              ("quebrado", "atalho para o que não existe"), (".", "é uma pasta"), ("", "não achei")])
def test_o_que_nao_e_arquivo_e_dito_sem_esperar(tmp_path, monkeypatch, qual, motivo):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("cano")
    os.symlink("nada", "quebrado")
    with pytest.raises((corpus.TextoInvalido, FileNotFoundError), match=motivo):
        corpus.de_arquivo(qual)


def test_arquivo_enorme(tmp_path):
    with open(tmp_path / "enorme.txt", "wb") as arquivo:
        arquivo.truncate(10**10)          # sem ocupar o disco
    with pytest.raises(corpus.TextoInvalido, match=r"enorme.txt tem mais de \d+ MB; passe um pedaço"):
        corpus.de_arquivo(tmp_path / "enorme.txt")


def test_arquivo_sem_permissao(tmp_path, monkeypatch):
    (tmp_path / "dele.txt").write_text("oi", encoding="utf-8")

    def fechado(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(corpus, "open", fechado, raising=False)      # root leria qualquer arquivo
    with pytest.raises(corpus.TextoInvalido, match="dele.txt: falta permissão"):
        corpus.de_arquivo(tmp_path / "dele.txt")


def test_arquivo_que_nao_existe_e_pasta(tmp_path):
    with pytest.raises(FileNotFoundError, match="não achei"):
        corpus.de_arquivo(tmp_path / "nada.txt")
    with pytest.raises(corpus.TextoInvalido, match="não consegui ler"):
        corpus.de_arquivo(tmp_path)
