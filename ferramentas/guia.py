"""Escreve no guia de quem ensina a tabela dos exercícios, tirada das lições e do registro de `confere`.

Quem a chama é `curso.py atualizar guia`.
"""

import re

from cadernos import CAPITULO, celulas, licoes, sem_marcas, texto

GUIA = CAPITULO / "professor.md"
INICIO, FIM = "<!-- exercícios: início; escrito por curso.py atualizar guia -->", "<!-- exercícios: fim -->"
SOLUCAO = re.compile(r"<details>\n<summary>Uma solução</summary>\n\n```python\n(.*?)\n```\n\n</details>", re.DOTALL)
CONFERENCIA = re.compile(r'^confere\.(?!placar)(\w+)\((?:"([^"]+)")?', re.MULTILINE)


def das_licoes():
    """(lição, enunciado, molde, solução) de cada exercício, na ordem das células."""
    for licao in licoes():
        todas = celulas(licao)
        for antes, celula, depois in zip(todas, todas[1:], todas[2:]):
            if celula["cell_type"] == "code" and CONFERENCIA.search(texto(celula)):
                yield licao, sem_marcas(texto(antes)), texto(celula), SOLUCAO.search(texto(depois))[1]


def tabela():
    """Uma linha por lição: o título de cada exercício e o nome dele no placar."""
    from apoio.confere import EXERCICIOS

    linhas, nomes = {}, []
    for licao, enunciado, molde, _ in das_licoes():
        titulo = re.search(r"^### (.+)$", enunciado, re.MULTILINE)[1]
        verificador, apelido = CONFERENCIA.search(molde).groups()
        nomes.append(apelido or verificador)
        linhas.setdefault(f"[{licao.name[:2]}]({licao.name})", []).append(f"{titulo} (`{nomes[-1]}`)")
    outros = len(set(nomes) - set(EXERCICIOS))
    return "\n".join([f"São {len(EXERCICIOS)} exercícios de código e {outros} de outros tipos, cada um com o nome que tem no placar:", "",
                      "| lição | exercícios |", "|---|---|", *(f"| {licao} | {'; '.join(uns)} |" for licao, uns in linhas.items())])


def com_a_tabela(guia):
    antes, resto = guia.split(INICIO)
    return f"{antes}{INICIO}\n\n{tabela()}\n\n{FIM}{resto.split(FIM)[1]}"


def escrever():
    GUIA.write_text(com_a_tabela(GUIA.read_text(encoding="utf-8")), encoding="utf-8")
