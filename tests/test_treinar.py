"""A linha de comando: a ajuda, a retomada depois de morto, e vários processos como se fossem um."""

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

from gptmini import ponto, treinar

CAPITULO = Path(__file__).resolve().parent.parent / "04-gpt-do-zero"
AMBIENTE = os.environ | {"PYTHONPATH": str(CAPITULO), "OMP_NUM_THREADS": "1"}
TEXTO = "O sabiá cantou na mangueira, e a Ana ouviu.\nDepois choveu, e ninguém cantou mais.\n" * 30
FORMAS = "--contexto 16 --d-model 16 --cabecas 2 --camadas 1 --lote 5 --guardar-a-cada 7 --dropout 0".split()
SOZINHO = [sys.executable, "-m", "gptmini.treinar"]
EM_DOIS = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "gptmini.treinar"]


@pytest.fixture
def texto(tmp_path):
    caminho = tmp_path / "texto.txt"
    caminho.write_text(TEXTO, encoding="utf-8")
    return caminho


def rodar(comando, *argumentos):
    return subprocess.run([*comando, *map(str, argumentos)], env=AMBIENTE, capture_output=True, text=True, timeout=120, check=False)


def perdas(pasta):
    return ponto.ler(pasta / "ponto.pt")[0]["treino"]["perdas"]


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
    (("--saida", "x", "--rapido"), "argumento desconhecido: --rapido"), (("--saida", "x", "--retomar=sim"), "--retomar: não leva valor, e recebeu 'sim'"),
    (("--sa", "x", "--c", "y"), "--c pode ser --corpus, --contexto")])
def test_o_erro_de_quem_digita_vem_em_portugues(argumentos, frase, capsys):
    with pytest.raises(SystemExit) as saida:
        treinar.opcoes().parse_args(argumentos)
    erro = capsys.readouterr().err
    assert saida.value.code == 2 and frase in erro and erro.startswith("uso: ") and "Traceback" not in erro
    assert not any(ingles in erro for ingles in ("usage", "error", "argument ", "invalid", "required"))
