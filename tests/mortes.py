"""Quantas vezes se pode matar quem grava: nada se perde, nada sobra. À mão: python tests/mortes.py [mortes] [pares].

Cada morte é um SIGKILL num momento sorteado de um processo que grava sem parar. Depois dela o arquivo tem de estar
inteiro, e a gravação seguinte não pode deixar mais nada na pasta. Cada par são dois processos que gravam o mesmo arquivo.
"""

import contextlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.environ.get("GPTMINI", str(Path(__file__).resolve().parent.parent / "04-gpt-do-zero")))
import torch

from apoio import arquivos, ponto, pronto, publicar, treinar
from gptmini import GPTConfig, GPTMini, WordTokenizer
from gptmini.treino import adamw

TEXTO = "O sabiá cantou na mangueira, e a Ana ouviu.\nDepois choveu, e ninguém cantou mais.\n" * 30


def modelo(tokenizer, semente=0):
    torch.manual_seed(semente)
    return GPTMini(GPTConfig(tokenizer.vocab_size, 16, 64, 2, 2)).eval()


PALAVRAS = WordTokenizer([TEXTO])
MODELOS = [modelo(PALAVRAS, semente) for semente in (0, 1)]


def um_modelo(pasta, qual=0):
    pronto.guardar(MODELOS[qual], PALAVRAS, pasta / "modelo.pt", qual=qual)


def um_ponto(pasta, qual=0):
    ponto.guardar(pasta / "ponto.pt", MODELOS[qual], adamw(MODELOS[qual], 1e-3), PALAVRAS, qual)


def uma_pagina(pasta, qual=0):
    with contextlib.redirect_stdout(io.StringIO()):
        publicar.publicar(MODELOS[qual], PALAVRAS, pasta / "pagina.html", titulo=f"Modelo {qual}")


def um_treino(pasta):
    texto = pasta.with_suffix(".txt")
    texto.write_text(TEXTO, encoding="utf-8")
    retomar = ["--retomar"] if (pasta / "ponto.pt").exists() else \
        f"--corpus {texto} --contexto 16 --d-model 16 --cabecas 2 --camadas 1 --lote 5 --guardar-a-cada 1 --passos 1000000".split()
    with contextlib.redirect_stdout(io.StringIO()):
        treinar.main(["--saida", str(pasta), *retomar])


def inteira(pasta):
    """Se tudo o que está na pasta com nome definitivo se lê."""
    try:
        for caminho in pasta.iterdir():
            if caminho.name == "modelo.pt":
                pronto.ler(caminho)
            elif caminho.name == "ponto.pt":
                ponto.ler(caminho)
            elif caminho.name == "pagina.html" and not caminho.read_text(encoding="utf-8").rstrip().endswith("</html>"):
                return False
    except ValueError:
        return False
    return True


def filho(faz, *argumentos):
    """Um processo à parte que faz isto até o fim, calado."""
    pid = os.fork()
    if not pid:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            faz(*argumentos)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return pid


def matar(grava, vezes, semente=0, ate=0.25):
    """{mortes, perdas, restos}: perdas são os arquivos que já existiam e não se leem mais; restos, o que sobra no fim."""
    acaso, conta = random.Random(semente), {"mortes": 0, "perdas": 0, "restos logo após": 0, "restos no fim": 0}
    base = Path(tempfile.mkdtemp())
    pasta = base / "s"
    pasta.mkdir()

    def sem_parar():
        while True:
            grava(pasta)

    try:
        if grava is not um_treino:
            grava(pasta)
        for _ in range(vezes):
            havia = {p.name for p in pasta.iterdir()}
            pid = filho(sem_parar)
            if grava is um_treino:
                while not any(pasta.iterdir()):
                    time.sleep(0.01)
            time.sleep(acaso.uniform(0, ate))
            os.kill(pid, signal.SIGKILL)
            conta["mortes"] += os.waitpid(pid, 0)[1] == signal.SIGKILL
            agora = {p.name for p in pasta.iterdir()}
            conta["perdas"] += not inteira(pasta) or not {n for n in havia if "parcial" not in n} <= agora
            conta["restos logo após"] = max(conta["restos logo após"], sum("parcial" in n for n in agora))
        if grava is um_treino:
            um_ponto(pasta)
        else:
            grava(pasta)
        conta["restos no fim"] = len([*pasta.iterdir()]) - 1
    finally:
        shutil.rmtree(base)
    return conta


def em_dupla(grava, pares, vezes=9):
    """{gravações, falhas, pares, quebrados, restos}: dois processos gravam o mesmo arquivo ao mesmo tempo."""
    conta = {"gravações": 0, "falhas": 0, "pares": pares, "quebrados": 0, "restos": 0}
    base = Path(tempfile.mkdtemp())

    def muitas(qual, pasta):
        falhas = 0
        for _ in range(vezes):
            try:
                grava(pasta, qual)
            except (OSError, ValueError, RuntimeError):
                falhas += 1
        os._exit(falhas)

    try:
        for par in range(pares):
            pasta = base / str(par)
            pasta.mkdir()
            filhos = [filho(muitas, qual, pasta) for qual in (0, 1)]
            conta["falhas"] += sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in filhos)
            conta["gravações"] += 2 * vezes
            conta["quebrados"] += not inteira(pasta)
            conta["restos"] += len([*pasta.iterdir()]) - 1
    finally:
        shutil.rmtree(base)
    return conta


if __name__ == "__main__":
    torch.set_num_threads(1)
    mortes, pares = (int(n) for n in (sys.argv[1:] + ["100", "40"])[:2])
    for como in ("como é aqui", "onde não há arquivo sem nome"):
        print(como)
        for grava in (um_modelo, um_ponto, uma_pagina, um_treino):
            print(f"  {grava.__name__:<11}", matar(grava, mortes, ate=0.5 if grava is um_treino else 0.05), flush=True)
        for grava in (um_modelo, um_ponto, uma_pagina):
            print(f"  {grava.__name__:<11}", em_dupla(grava, pares), flush=True)
        arquivos._sem_nome = lambda pasta: None
