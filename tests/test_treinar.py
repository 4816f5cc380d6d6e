"""A linha de comando: a ajuda, a retomada depois de morto, e vários processos como se fossem um."""

import argparse
import gettext
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from apoio import ponto, treinar
from gptmini import CharTokenizer, GPTConfig, GPTMini
from gptmini.treino import adamw

CAPITULO = Path(__file__).resolve().parent.parent / "04-gpt-do-zero"
AMBIENTE = os.environ | {"PYTHONPATH": str(CAPITULO), "OMP_NUM_THREADS": "1"}
TEXTO = "O sabiá cantou na mangueira, e a Ana ouviu.\nDepois choveu, e ninguém cantou mais.\n" * 30
FORMAS = "--contexto 16 --d-model 16 --cabecas 2 --camadas 1 --lote 5 --guardar-a-cada 7 --dropout 0".split()
SOZINHO = [sys.executable, "-m", "apoio.treinar"]
EM_DOIS = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "apoio.treinar"]


@pytest.fixture
def texto(tmp_path):
    caminho = tmp_path / "texto.txt"
    caminho.write_text(TEXTO, encoding="utf-8")
    return caminho


def rodar(comando, *argumentos):
    return subprocess.run([*comando, *map(str, argumentos)], env=AMBIENTE, capture_output=True, text=True, timeout=120, check=False)


def perdas(pasta):
    return ponto.ler(pasta / "ponto.pt")[0]["treino"]["perdas"]


@pytest.mark.lento
def test_a_ajuda_e_em_portugues():
    saida = rodar(SOZINHO, "--help").stdout
    assert saida.startswith("uso:") and "opções:" in saida and "--retomar" in saida
    assert not re.search(r"\b(usage|options|show this|default)\b", saida)


@pytest.mark.lento
def test_morto_em_qualquer_momento_retoma_com_as_mesmas_perdas(tmp_path, texto):
    pedido = ["--corpus", texto, "--passos", 600, *FORMAS[:-1], 0.2]
    assert rodar(SOZINHO, *pedido, "--saida", tmp_path / "inteiro").returncode == 0
    acaso, pasta, mortes = random.Random(0), tmp_path / "morto", 0
    for _ in range(4):
        retomar = ["--retomar"] if (pasta / "ponto.pt").exists() else pedido
        vivo = subprocess.Popen([*SOZINHO, *map(str, retomar), "--saida", str(pasta)], env=AMBIENTE, stdout=subprocess.PIPE, text=True)
        for linha in vivo.stdout:
            if linha.startswith("passo"):
                break
        time.sleep(acaso.uniform(0, 0.15))
        vivo.send_signal(signal.SIGKILL)
        mortes += vivo.wait() == -signal.SIGKILL
        vivo.stdout.close()
    assert mortes > 0 and len(perdas(pasta)) < 600
    assert rodar(SOZINHO, "--retomar", "--saida", pasta).returncode == 0
    assert perdas(pasta) == perdas(tmp_path / "inteiro")


@pytest.mark.lento
def test_dois_processos_dao_as_perdas_de_um(tmp_path, texto):
    pedido = ["--corpus", texto, "--passos", 30, *FORMAS]
    for nome, comando in (("um", SOZINHO), ("dois", EM_DOIS)):
        feito = rodar(comando, *pedido, "--saida", tmp_path / nome)
        assert feito.returncode == 0, feito.stderr
    um, dois = perdas(tmp_path / "um"), perdas(tmp_path / "dois")
    assert len(um) == 30 and max(abs(a - b) for a, b in zip(um, dois, strict=True)) < 1e-5


@pytest.mark.lento
def test_um_processo_morto_acaba_o_treino_com_uma_frase_e_um_ponto_que_serve(tmp_path, texto):
    pasta = tmp_path / "saida"
    vivo = subprocess.Popen([*EM_DOIS, "--corpus", str(texto), "--passos", "100000", *FORMAS, "--saida", str(pasta)],
                            env=AMBIENTE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        limite = time.time() + 180
        while not (pasta / "ponto.pt").exists() and time.time() < limite:
            time.sleep(0.1)
        psutil.Process(vivo.pid).children()[-1].kill()
        erro = vivo.communicate(timeout=120)[1]
    finally:
        vivo.kill()
    assert vivo.returncode != 0 and "continue com --retomar" in erro, erro
    assert ponto.ler(pasta / "ponto.pt")[0]["step"] >= 7


@pytest.mark.lento
def test_nao_apaga_um_treino_que_ja_existe_e_recusa_um_ponto_quebrado(tmp_path, texto):
    pedido = ["--corpus", texto, "--passos", 7, *FORMAS, "--saida", tmp_path / "s"]
    assert rodar(SOZINHO, *pedido).returncode == 0
    assert "use --retomar" in rodar(SOZINHO, *pedido).stderr
    (tmp_path / "s" / "ponto.pt").write_bytes(b"nada")
    quebrado = rodar(SOZINHO, "--retomar", "--saida", tmp_path / "s")
    assert quebrado.returncode != 0 and "não é um ponto" in quebrado.stderr and "Traceback" not in quebrado.stderr


@pytest.mark.lento
def test_perda_que_nao_e_numero_para_com_a_frase_da_licao(tmp_path, texto):
    feito = rodar(SOZINHO, "--corpus", texto, "--passos", 50, *FORMAS, "--lr", 1e38, "--saida", tmp_path / "s")
    assert feito.returncode != 0 and "deixou de ser um número" in feito.stderr and "Traceback" not in feito.stderr


@pytest.mark.parametrize(("argumentos", "frase"), [
    ((), "falta dizer --saida"), (("--saida", "x", "--passos", "muitos"), "--passos: não aceita 'muitos'"), (("--saida",), "--saida: pede um valor"),
    (("--saida", "x", "--rapido"), "argumento desconhecido: «--rapido»"),
    (("--saida", "x", "--retomar", ""), "argumento desconhecido: «»"), (("--saida", "x", "--retomar", "\n"), "argumento desconhecido: « »"),
    (("--saida", "x", "--retomar=sim"), "--retomar: não leva valor, e recebeu 'sim'"),
    (("--sa", "x", "--c", "y"), "--c pode ser --corpus, --contexto"), (("--saida", "x", "--aparelho", "tpu"), "--aparelho: não aceita 'tpu'; escolha um destes"),
    *[(("--saida", "x", f"--{nome}", valor), f"--{nome}: não aceita '{valor}'; esperava um número inteiro de 1 a")
      for nome in ("contexto", "d-model", "cabecas", "camadas", "passos", "lote", "guardar-a-cada") for valor in ("0", "-1", "2.5", "1e3", "nan", "9" * 30, "")],
    (("--saida", "x", "--semente", "-1"), "de 0 a"),
    *[(("--saida", "x", "--lr", valor), f"--lr: não aceita '{valor}'; esperava um número acima de zero") for valor in ("nan", "inf", "1e999", "0", "-1", "1.000,5", "x")],
    *[(("--saida", "x", "--dropout", valor), f"--dropout: não aceita '{valor}'; esperava um número de 0 até menos de 1") for valor in ("nan", "1", "-0.5", "1,5")]])
def test_o_erro_de_quem_digita_vem_em_portugues(argumentos, frase, capsys, monkeypatch):
    monkeypatch.setattr(argparse, "_", gettext.gettext)      # o lançador, testado no mesmo processo, traduz o argparse ao seu modo
    with pytest.raises(SystemExit) as saida:
        treinar.opcoes().parse_args(argumentos)
    erro = capsys.readouterr().err
    assert saida.value.code == 2 and frase in erro and erro.startswith("uso: ") and "Traceback" not in erro
    assert not any(ingles in erro for ingles in ("usage", "error", "argument ", "invalid", "required", "choose"))


@pytest.mark.parametrize(("texto", "valor"), [("0,005", 0.005), ("0.005", 0.005), ("5e-3", 0.005), ("5,0e-3", 0.005)])
def test_a_virgula_tambem_separa_decimais(texto, valor):
    assert treinar.opcoes().parse_args(["--saida", "x", "--lr", texto]).lr == valor


# -- no mesmo processo ------------------------------------------------------------------------------------


def rodar_aqui(*argumentos):
    """A frase com que o treino acabou, ou None se foi até o fim."""
    try:
        treinar.main([*map(str, argumentos)])
    except SystemExit as saida:
        assert "\n" not in str(saida.code).strip()
        return str(saida.code)


def pedido(texto, pasta, *mais):
    return ["--corpus", texto, *FORMAS, "--saida", pasta, "--passos", 12, *mais]


def test_sinais_de_antes_continuam_depois(tmp_path, texto):
    antes = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert rodar_aqui(*pedido(texto, tmp_path / "s", "--passos", 1)) is None
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == antes


@pytest.mark.parametrize("T", [1, 16, 97])
def test_um_texto_do_tamanho_dito_treina_e_um_caractere_a_menos_e_recusado(tmp_path, T):
    letras = (TEXTO * 2)[: 20 * T + 1]
    for quantas, frase in ((len(letras), None), (len(letras) - 1, f"o texto tem {20 * T} caracteres, e com --contexto {T} são precisos {20 * T + 1}; junte mais texto")):
        caminho = tmp_path / f"{quantas}.txt"
        caminho.write_text(letras[:quantas], encoding="utf-8")
        dito = rodar_aqui("--corpus", caminho, *FORMAS[2:], "--contexto", T, "--passos", 2, "--saida", tmp_path / str(quantas))
        assert dito is None if frase is None else frase in dito
    assert not (tmp_path / str(20 * T)).exists()      # recusado antes de criar a pasta
    if T > 1:
        assert f"ou use --contexto {T - 1}." in dito
        assert rodar_aqui("--corpus", caminho, *FORMAS[2:], "--contexto", T - 1, "--passos", 2, "--saida", tmp_path / "menor") is None


@pytest.mark.parametrize("quantas", [1, 2, 19, 21, 100, 1000, 1920])
def test_um_texto_curto_e_recusado_antes_do_primeiro_passo(tmp_path, quantas):
    (tmp_path / "t.txt").write_text(TEXTO[:quantas], encoding="utf-8")
    assert "são precisos 1921; junte mais texto" in rodar_aqui("--corpus", tmp_path / "t.txt", "--saida", tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("mais", "frase"), [
    (("--d-model", "100000"), "baixe --d-model"), (("--lote", "1000000000"), "baixe --lote"), (("--d-model", "1000000", "--camadas", "1000"), "baixe --d-model"),
    (("--contexto", "1000000"), "são precisos 20000001"), (("--cabecas", "7"), "--d-model 16 não se divide em 7 cabeças iguais"),
    (("--aparelho", "mps"), "--aparelho veio mps, que o PyTorch não acha")])
def test_o_que_nao_cabe_e_recusado_antes_de_construir(tmp_path, texto, mais, frase):
    relogio = time.monotonic()
    assert frase in rodar_aqui(*pedido(texto, tmp_path / "s", *mais))
    assert not (tmp_path / "s").exists() and time.monotonic() - relogio < 20


def test_um_contexto_imenso_pede_a_mascara_e_a_conta_a_ve():
    """100 mil posições: a máscara de cada bloco teria 10 GB, e a conta se faz sem construir nenhuma."""
    grande = argparse.Namespace(**treinar.PADRAO | {"contexto": 100_000})
    assert treinar.conta(grande, 350, [[0] * 60] * 100) > 2e10 and treinar.a_baixar(grande, 350, [[0] * 60] * 100) == "--contexto"
    assert treinar.conta(argparse.Namespace(**treinar.PADRAO), 350, [[0] * 60] * 100) < 1e9


def test_a_conta_dos_pesos_e_a_do_modelo_construido():
    for camadas in (1, 3):
        a = argparse.Namespace(**treinar.PADRAO | {"camadas": camadas, "lote": 1})
        certo = 16 * GPTMini(GPTConfig(50, 96, 96, 3, camadas)).num_parameters() + camadas * 96**2
        assert 0 <= treinar.conta(a, 50, [[0, 1]]) - certo < 50_000


def test_uma_historinha_que_nao_cabe_na_janela_diz_o_contexto_que_serve():
    a = argparse.Namespace(**treinar.PADRAO | {"contexto": 10})
    with pytest.raises(ValueError, match="use --contexto 11 ou mais"):
        treinar.conferir_textos(a, [[0] * 12], [[0] * 5])
    treinar.conferir_textos(argparse.Namespace(contexto=11), [[0] * 12], [[0] * 5])


def test_a_saida_que_nao_serve_diz_por_que(tmp_path, texto):
    (tmp_path / "alheia").mkdir()
    (tmp_path / "alheia" / "ponto.pt").write_bytes(b"de outro programa")
    for onde, frase in ((texto, "no lugar da pasta há um arquivo"), (texto / "x", "no meio do caminho há um arquivo"), (tmp_path / "alheia", "não é deste curso"),
                        (Path("/proc/nada"), "não dá para criá-la")):
        assert frase in rodar_aqui(*pedido(texto, onde))
    assert (tmp_path / "alheia" / "ponto.pt").read_bytes() == b"de outro programa"


# -- retomar ----------------------------------------------------------------------------------------------


@pytest.fixture
def feito(tmp_path, texto):
    """Um treino de 12 passos, na pasta devolvida."""
    assert rodar_aqui(*pedido(texto, tmp_path / "s")) is None
    return tmp_path / "s"


def test_mais_passos_e_outra_taxa_valem_e_sao_ditos(feito, capsys):
    capsys.readouterr()
    assert rodar_aqui("--saida", feito, "--retomar", "--passos", 20, "--lr", "0,001", "--dropout", "0,5", "--guardar-a-cada", 3) is None
    dito = capsys.readouterr().out
    for frase in ("--passos: era 12, agora é 20", "--lr: era 0.005, agora é 0.001", "--dropout: era 0.0, agora é 0.5", "--guardar-a-cada: era 7, agora é 3"):
        assert frase in dito
    lido, model, _ = ponto.ler(feito / "ponto.pt")
    ajustes = lido["treino"]["ajustes"]
    assert lido["step"] == len(lido["treino"]["perdas"]) == 20 and (ajustes["passos"], ajustes["lr"], ajustes["guardar_a_cada"]) == (20, 1e-3, 3)
    assert lido["otimizador"]["param_groups"][0]["lr"] == pytest.approx(1e-3 * 1 / 20) and model.config.dropout == model.dropout.p == 0.5


def test_os_mesmos_ajustes_de_novo_nao_mudam_nada(feito, texto, capsys):
    antes = (feito / "ponto.pt").read_bytes()
    assert rodar_aqui(*pedido(texto, feito), "--retomar") is None
    assert "já fez os seus 12 passos; para ir além, peça mais com --passos" in capsys.readouterr().out and (feito / "ponto.pt").read_bytes() == antes


@pytest.mark.parametrize(("mais", "frase"), [
    (("--passos", 11), "--passos veio 11, e o treino guardado já fez 12"), (("--d-model", 32), "--d-model veio 32, e o treino guardado usa 16"),
    (("--contexto", 8), "--contexto veio 8"), (("--cabecas", 1), "--cabecas veio 1"), (("--camadas", 2), "--camadas veio 2"), (("--lote", 6), "--lote veio 6"),
    (("--semente", 1), "--semente veio 1"), (("--corpus", __file__), "não é o texto em que o treino guardado começou")])
def test_o_que_nao_pode_mudar_e_recusado_e_o_ponto_fica(feito, mais, frase):
    antes = (feito / "ponto.pt").read_bytes()
    assert frase in rodar_aqui("--saida", feito, "--retomar", "--passos", 20, *mais)
    assert (feito / "ponto.pt").read_bytes() == antes


def test_o_texto_pode_ter_mudado_de_lugar(feito, texto, tmp_path):
    novo = texto.rename(tmp_path / "outro-nome.txt")
    assert "não achei" in rodar_aqui("--saida", feito, "--retomar", "--passos", 13)
    assert rodar_aqui("--saida", feito, "--retomar", "--passos", 13, "--corpus", novo) is None


@pytest.mark.parametrize("treino", [{}, {"anotado": 7}, {"ajustes": {}, "perdas": [], "corpus": "x"}, {"ajustes": [], "perdas": [], "corpus": "x"},
                                    {"ajustes": treinar.PADRAO | {"lote": "5"}, "perdas": [], "corpus": "x"}, {"ajustes": treinar.PADRAO, "perdas": None, "corpus": "x"}])
def test_um_ponto_guardado_em_python_nao_se_retoma_daqui(tmp_path, treino):
    tokenizer = CharTokenizer([TEXTO])
    model = GPTMini(GPTConfig(tokenizer.vocab_size, 8, 16, 2, 1))
    ponto.guardar(tmp_path / "ponto.pt", model, adamw(model, 1e-3), tokenizer, 5, **treino)
    assert "não foi feito por esta linha de comando" in rodar_aqui("--saida", tmp_path, "--retomar")


def test_retomar_onde_nao_ha_ponto(tmp_path):
    assert "não achei" in rodar_aqui("--saida", tmp_path / "nada", "--retomar")
    assert not (tmp_path / "nada").exists()


# -- parar no meio ----------------------------------------------------------------------------------------


def no_passo(monkeypatch, n, faz):
    """Chama `faz` no meio do passo n, antes de os pesos mudarem."""
    chamadas, clip = [], torch.nn.utils.clip_grad_norm_

    def contar(*argumentos, **nomeados):
        chamadas.append(1)
        if len(chamadas) == n:
            faz()
        return clip(*argumentos, **nomeados)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", contar)


@pytest.mark.parametrize("sinal", [signal.SIGINT, signal.SIGTERM])
def test_parar_antes_do_primeiro_ponto_guarda_o_passo_e_retoma_igual(tmp_path, texto, monkeypatch, sinal):
    inteiro = ["--corpus", texto, *FORMAS[:-1], 0.2, "--passos", 12]
    assert rodar_aqui(*inteiro, "--saida", tmp_path / "inteiro") is None
    no_passo(monkeypatch, 3, lambda: signal.raise_signal(sinal))
    assert "continue com --retomar" in rodar_aqui(*inteiro, "--saida", tmp_path / "s")
    assert ponto.ler(tmp_path / "s" / "ponto.pt")[0]["step"] == 3
    monkeypatch.undo()
    assert rodar_aqui("--saida", tmp_path / "s", "--retomar") is None
    assert perdas(tmp_path / "s") == perdas(tmp_path / "inteiro")


def test_um_segundo_ctrl_c_nao_espera_e_nao_guarda_um_passo_pela_metade(tmp_path, texto, monkeypatch):
    no_passo(monkeypatch, 9, lambda: (signal.raise_signal(signal.SIGINT), signal.raise_signal(signal.SIGINT)))
    assert "Interrompido. O último ponto está em" in rodar_aqui(*pedido(texto, tmp_path / "s"))
    assert ponto.ler(tmp_path / "s" / "ponto.pt")[0]["step"] == 7


def test_parar_antes_do_primeiro_passo_diz_que_nao_ha_o_que_guardar(tmp_path, texto, monkeypatch):
    monkeypatch.setattr(treinar, "ler_corpus", lambda _: signal.raise_signal(signal.SIGINT))
    assert "não havia passo feito" in rodar_aqui(*pedido(texto, tmp_path / "s"))


@pytest.mark.parametrize(("erro", "frase"), [
    (FloatingPointError("a perda deixou de ser um número."), "Parei: a perda deixou"), (MemoryError(), "acabou a memória; baixe --"),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"), "acabou a memória; baixe --"),
    (torch.OutOfMemoryError("CUDA out of memory."), "acabou a memória; baixe --")])
def test_o_que_falha_no_meio_guarda_o_ultimo_passo_inteiro(tmp_path, texto, monkeypatch, erro, frase):
    def falhar():
        raise erro

    no_passo(monkeypatch, 10, falhar)
    assert frase in rodar_aqui(*pedido(texto, tmp_path / "s"))
    lido = ponto.ler(tmp_path / "s" / "ponto.pt")[0]
    assert lido["step"] == len(lido["treino"]["perdas"]) == 9


def test_o_que_falha_depois_de_os_pesos_mudarem_nao_se_guarda_com_outro_numero(tmp_path, texto, monkeypatch):
    """A memória acaba na validação do passo 12: os pesos já são os dele, a perda ainda não veio. Fica o ponto do passo 7."""
    from gptmini import treino

    medidas = []

    def acabar(*argumentos):
        medidas.append(1)
        if len(medidas) == 9:
            raise MemoryError
        return 1.0

    monkeypatch.setattr(treino, "evaluate", acabar)
    assert "acabou a memória" in rodar_aqui(*pedido(texto, tmp_path / "s"))
    assert ponto.ler(tmp_path / "s" / "ponto.pt")[0]["step"] == 7


def test_um_erro_que_nao_e_de_memoria_nao_se_disfarca(tmp_path, texto, monkeypatch):
    def falhar():
        raise RuntimeError("um erro nosso")

    no_passo(monkeypatch, 2, falhar)
    with pytest.raises(RuntimeError, match="um erro nosso"):
        rodar_aqui(*pedido(texto, tmp_path / "s"))


SEM_MEMORIA = """
import resource, sys
from apoio import treinar
livre = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() + (400 << 20)
resource.setrlimit(resource.RLIMIT_AS, (livre, livre))
treinar.main(sys.argv[1:])
"""


@pytest.mark.lento
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="só o Linux deixa limitar a memória")
@pytest.mark.parametrize(("mais", "qual"), [(("--lote", 20_000), "--lote"), (("--d-model", 1536, "--lote", 2), "--d-model")])
def test_a_memoria_que_acaba_diz_que_opcao_baixar(tmp_path, texto, mais, qual):
    feito = rodar([sys.executable, "-c", SEM_MEMORIA], *pedido(texto, tmp_path / "s", *mais))
    assert feito.returncode == 1 and f"acabou a memória; baixe {qual}" in feito.stderr and "Traceback" not in feito.stderr, feito.stderr


SEM_COMPILADOR = """
import torch
from apoio import treinar
from gptmini import GPTConfig, GPTMini
model = GPTMini(GPTConfig(7, 8, 16, 2, 1))
x = torch.randint(7, (2, 8))
repartido = treinar.Repartido(model, compilar=True)
logits, perda = repartido.train()(x, x)
perda.backward()
assert torch.equal(logits, model(x)[0]) and model.head.weight.grad is not None
repartido(x, x)
"""


@pytest.mark.lento
def test_sem_compilador_o_treino_segue_com_o_modelo_e_um_aviso(tmp_path):
    feito = subprocess.run([sys.executable, "-c", SEM_COMPILADOR], env=AMBIENTE | {"CXX": "/nao/existe", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)},
                           capture_output=True, text=True, timeout=120, check=False)
    assert feito.returncode == 0, feito.stderr
    assert feito.stdout.count("Sem torch.compile nesta máquina") == 1


def test_um_erro_do_proprio_modelo_nao_vira_aviso_de_compilador(monkeypatch, capsys):
    monkeypatch.setattr(torch, "compile", lambda forward: forward)
    compilado = treinar.Compilado(GPTMini(GPTConfig(7, 8, 16, 2, 1)))
    with pytest.raises(ValueError, match="vocabulário"):
        compilado(torch.tensor([[9]]))
    assert capsys.readouterr().out == "" and math.isfinite(compilado(torch.tensor([[1]]), torch.tensor([[2]]))[1].item())
