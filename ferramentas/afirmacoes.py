"""Escreve provas.md: o que o curso afirma, na ordem em que se lê, cada frase com o caminho da prova.

A frase é marcada no próprio texto, com o id da afirmação num comentário logo depois dela; o resto está em afirmacoes.toml.
Quem o chama é `curso.py atualizar provas`.
"""

import re
import tomllib
from functools import cache

from cadernos import CAPITULO, MARCA, caderno_de, celulas, licoes, nome_curto, prosa, sem_marcas, texto

LIVRO = CAPITULO / "afirmacoes.toml"
PROVAS = CAPITULO / "provas.md"
README = CAPITULO / "README.md"
# Onde uma frase acaba: um ponto seguido de maiúscula, um item de lista, uma linha de tabela, um parágrafo.
FRONTEIRA = re.compile(r"(?<=[.!?…»:])(?:<!-- [a-z0-9-]+ -->)*[ \n]+(?=[«*`$“\"(]*[A-ZÀ-Ý])|\n\s*\n|\n\s*(?:[-*>#]|\d+\.)\s|\n\s*(?=\|)")
ABERTURA = """# O que o curso afirma, e onde está a prova

<!-- escrito por curso.py atualizar provas: mude afirmacoes.toml ou o texto, e não este arquivo -->

Cada afirmação do texto do capítulo e das lições é uma de três coisas: **medida**, e o caminho leva à lição cuja célula a calcula e falha se \
ela for falsa; de uma **fonte**, com a seção; ou **opinião nossa**, dita assim. São {quantas}. Abra a parte que quiser.
"""


def ler():
    return tomllib.loads(LIVRO.read_text(encoding="utf-8"))


@cache
def partes():
    """[(nome, endereço, texto)]: o capítulo e cada lição, como se leem."""
    return [("O texto do capítulo", README.name, README.read_text(encoding="utf-8")),
            *((re.search(r"^# (.+)$", prosa(c), re.MULTILINE)[1], c.name, prosa(c)) for c in licoes())]


def frase(texto, marca):
    """A frase em que a marca está, numa linha, sem marcas, links nem ênfase."""
    antes = [m.end() for m in FRONTEIRA.finditer(texto) if m.end() <= marca.start()]
    depois = next((m.start() for m in FRONTEIRA.finditer(texto) if m.start() >= marca.start()), len(texto))
    dela = sem_marcas(texto[antes[-1] if antes else 0 : depois])
    dela = re.sub(r"!?\[([^\]]*)\]\([^)]+\)", r"\1", dela)
    return " ".join(re.sub(r"\*+", "", dela).strip(" |-\n").replace("|", "·").split()).strip(" ,:;")


def secao(prova):
    """(arquivo, título mais próximo acima da célula)."""
    caderno, titulo = caderno_de(prova), ""
    for celula in celulas(caderno):
        if celula["cell_type"] == "markdown":
            titulo = ([titulo] + re.findall(r"^#+ (.+)$", sem_marcas(texto(celula)), re.MULTILINE))[-1]
        if celula["id"] == prova:
            return caderno, titulo


def caminhos(afirmacao, fontes):
    if afirmacao["tipo"] == "opiniao":
        return ["opinião nossa"]
    if afirmacao["tipo"] == "fonte":
        return [f"[{fontes[obra]['autor']}, {fontes[obra]['ano']}]({fontes[obra]['link']}), {onde}" for obra, onde in afirmacao["fontes"]]
    linhas = {}
    for caderno, titulo in map(secao, afirmacao.get("provas", [])):
        linhas.setdefault(f"[prova]({caderno.name}) na {nome_curto(caderno)}, «{titulo}»", None)
    return [*linhas] + ["[medidas](../tests/medidas.json)"] * bool(afirmacao.get("medidas"))


def lista(livro):
    por_id, linhas = {a["id"]: a for a in livro["afirmacao"]}, [ABERTURA.format(quantas=len(livro["afirmacao"]))]
    for nome, arquivo, lido in partes():
        marcas = [m for m in MARCA.finditer(lido) if m[1] in por_id]
        if marcas:
            linhas += [f"<details>\n<summary>{nome} ({len(marcas)})</summary>\n", f"[abrir]({arquivo})\n"]
            linhas += [f"- «{frase(lido, m)}»: {'; '.join(caminhos(por_id[m[1]], livro['fonte']))}" for m in marcas]
            linhas += ["\n</details>\n"]
    if livro.get("retirada"):
        linhas += ["## Retiradas\n\nO que já se afirmou aqui e não se afirma mais, com o motivo.\n"]
        linhas += [f"- «{r['frase']}»: {r['motivo']}" for r in livro["retirada"]]
    return "\n".join(linhas).rstrip() + "\n"


def escrever():
    PROVAS.write_text(lista(ler()), encoding="utf-8")
