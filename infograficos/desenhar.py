"""Redesenha a galeria: `python infograficos/desenhar.py [--figura N] [--pasta PASTA]`.

De cada figura grava o SVG, o PNG e o JSON dos números desenhados.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

AQUI = Path(__file__).resolve().parent
CAPITULO = AQUI.parent / "04-gpt-do-zero"
PASTA = CAPITULO / "infograficos"
sys.path[:0] = [str(AQUI), str(CAPITULO)]

import matplotlib  # noqa: E402
import torch  # noqa: E402

import estilo  # noqa: E402

FIGURAS = [importlib.import_module(arquivo.stem) for arquivo in sorted(AQUI.glob("f[0-9]*.py"))]


def redesenhar(figura, pasta):
    """Grava uma figura e devolve os números dela."""
    dados = figura.dados()
    with matplotlib.rc_context(estilo.AJUSTES):
        estilo.gravar(figura.desenhar(dados), pasta, figura.NOME, figura.TITULO, figura.ALTERNATIVO)
    (pasta / f"{figura.NOME}.json").write_text(json.dumps(dados, ensure_ascii=False, indent=1) + "\n",
                                               encoding="utf-8", newline="\n")
    return dados


def main():
    opcoes = argparse.ArgumentParser(description="Redesenha a galeria do capítulo.")
    opcoes.add_argument("--figura", type=int, choices=range(1, len(FIGURAS) + 1), help="só a figura deste número")
    opcoes.add_argument("--pasta", type=Path, default=PASTA, help="onde gravar; sem isto, na galeria do capítulo")
    opcoes = opcoes.parse_args()
    torch.set_num_threads(1)
    opcoes.pasta.mkdir(parents=True, exist_ok=True)
    for figura in FIGURAS[opcoes.figura - 1:opcoes.figura] if opcoes.figura else FIGURAS:
        redesenhar(figura, opcoes.pasta)
        print(f"{figura.NOME}: {(opcoes.pasta / f'{figura.NOME}.png').stat().st_size // 1024} KB em PNG, "
              f"{(opcoes.pasta / f'{figura.NOME}.svg').stat().st_size // 1024} KB em SVG")


if __name__ == "__main__":
    main()
