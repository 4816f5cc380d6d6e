"""Escreve no README do capítulo a lista do que ele afirma, cada linha com o caminho da prova.

Quem a chama é `curso.py atualizar provas`.
"""

import json
import re
import tomllib
from pathlib import Path

RAIZ = Path(__file__).resolve().parent.parent
CAPITULO = RAIZ / "04-gpt-do-zero"
INICIO, FIM = "<!-- afirmações: início; escrito por curso.py atualizar provas -->", "<!-- afirmações: fim -->"


def abridor(trecho):
    """O trecho numa linha só, sem links nem marcas de ênfase, para caber numa lista."""
    sem_links = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", trecho)
    return re.sub(r"\*+|\|", "", sem_links).strip(" .,:")


def secao_da_celula(prova):
    """(arquivo, título mais próximo acima da célula)."""
    caminho = next(CAPITULO.glob(f"{prova[:2]}-*.ipynb"))
    titulo = ""
    for celula in json.loads(caminho.read_text(encoding="utf-8"))["cells"]:
        titulos = re.findall(r"^#+ (.+)$", "".join(celula["source"]), re.MULTILINE) if celula["cell_type"] == "markdown" else []
        titulo = titulos[-1] if titulos else titulo
        if celula["id"] == prova:
            return caminho.name, titulo
    raise LookupError(f"não há a célula {prova}")


def caminhos(afirmacao, fontes):
    if afirmacao["tipo"] == "opiniao":
        return ["opinião nossa"]
    if afirmacao["tipo"] == "fonte":
        return [f"[{fontes[obra]['autor']}, {fontes[obra]['ano']}]({fontes[obra]['link']}), {secao}" for obra, secao in afirmacao["fontes"]]
    linhas = {}
    for arquivo, titulo in map(secao_da_celula, afirmacao.get("provas", [])):
        linhas.setdefault(f"[prova]({arquivo}) na lição {arquivo[:2]}, «{titulo}»", None)
    return [*linhas] + ["[medidas](../tests/medidas.json)"] * bool(afirmacao.get("medidas"))


def lista(livro, texto):
    """As afirmações do README, na ordem e nas seções dele."""
    achadas = sorted((texto.index(a["onde"]["README"]), i) for i, a in enumerate(livro["afirmacao"]) if "README" in a["onde"])
    titulos = [(m.start(), m[1]) for m in re.finditer(r"^## (.+)$", texto, re.MULTILINE)]
    por_secao = {}
    for lugar, i in achadas:
        por_secao.setdefault(next(t for onde, t in reversed(titulos) if onde < lugar), []).append(livro["afirmacao"][i])
    linhas = []
    for secao, afirmacoes in por_secao.items():
        linhas += ["<details>", f"<summary>{secao} ({len(afirmacoes)})</summary>", ""]
        linhas += [f"- «{abridor(a['onde']['README'])}»: {'; '.join(caminhos(a, livro['fonte']))}" for a in afirmacoes]
        linhas += ["", "</details>", ""]
    return "\n".join(linhas).rstrip()


def com_a_lista(texto):
    antes, resto = texto.split(INICIO)
    depois = resto.split(FIM)[1]
    livro = tomllib.loads((CAPITULO / "afirmacoes.toml").read_text(encoding="utf-8"))
    return f"{antes}{INICIO}\n\n{lista(livro, antes)}\n\n{FIM}{depois}"


def escrever():
    readme = CAPITULO / "README.md"
    readme.write_text(com_a_lista(readme.read_text(encoding="utf-8")), encoding="utf-8")
