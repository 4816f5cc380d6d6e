"""Onde estão as lições e as células: as lições, em ordem, vêm do pyproject; uma célula se acha pelo id, esteja na lição que estiver."""

import functools
import json
import re
import tomllib
from pathlib import Path

RAIZ = Path(__file__).resolve().parent.parent
AJUSTES = tomllib.loads((RAIZ / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["curso"]
CAPITULO = RAIZ / AJUSTES["capitulo"]
PAGINA = CAPITULO / "notebook.ipynb"
# No texto, o id da afirmação que a frase faz (afirmacoes.toml); quem lê não a vê.
MARCA = re.compile(r"<!-- ([a-z0-9-]+) -->")


def licoes():
    """Os notebooks que são lições; a página do capítulo não é uma."""
    return [CAPITULO / f"{nome}.ipynb" for nome in AJUSTES["licoes"]]


def numeradas():
    """As lições do caminho, que têm número; o «Aprofunde» é um anexo."""
    return [licao for licao in licoes() if licao.stem[:2].isdigit()]


@functools.cache
def celulas(caderno):
    return json.loads(caderno.read_text(encoding="utf-8"))["cells"]


@functools.cache
def _donos():
    return {celula["id"]: caderno for caderno in licoes() for celula in celulas(caderno)}


def caderno_de(id):
    """O notebook em que está a célula."""
    if id not in _donos():
        raise LookupError(f"nenhuma lição tem a célula {id}")
    return _donos()[id]


def celula(id):
    return next(c for c in celulas(caderno_de(id)) if c["id"] == id)


def texto(celula):
    return "".join(celula["source"])


def rotulos(celula):
    return celula["metadata"].get("tags", [])


def prosa(caderno):
    return "\n\n".join(texto(c) for c in celulas(caderno) if c["cell_type"] == "markdown")


def sem_marcas(texto):
    """O texto como se lê: sem os ids das afirmações."""
    return MARCA.sub("", texto)


def nome_curto(caderno):
    """Como a prosa chama um notebook: «lição 06»; o que não tem número vai pelo nome."""
    numero = caderno.stem.partition("-")[0]
    return f"lição {numero}" if numero.isdigit() else caderno.stem
