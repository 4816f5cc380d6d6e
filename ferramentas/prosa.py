"""O texto do curso, para quem o confere: cada trecho com o lugar de onde veio.

    python ferramentas/prosa.py            lista os endereços externos, um por linha
    python ferramentas/prosa.py --conferir  tenta abrir cada um (precisa de internet)
"""

import ast
import io
import re
import sys
import tokenize
import urllib.request
from collections import defaultdict

import mistune

from cadernos import RAIZ, celulas, prosa, sem_marcas, texto

FORA = {".venv", ".git", "meu-curso", "meu-modelo", ".pytest_cache", ".ipynb_checkpoints", "node_modules"}
PARTIR = mistune.create_markdown(renderer="ast", plugins=["table", "math"])


def arquivos(*padroes):
    """Os arquivos do curso que combinam com os padrões, sem os que não são dele."""
    todos = {p for padrao in padroes for p in RAIZ.rglob(padrao)}
    return sorted(p for p in todos if not FORA & set(p.relative_to(RAIZ).parts))


def paginas():
    """(arquivo, texto em markdown) de cada .md e de cada notebook, com as células de texto emendadas."""
    for caminho in arquivos("*.md"):
        if caminho.parent.name == "ferramentas":
            continue                # pedaços de página, que se leem na página montada
        yield caminho, sem_marcas(caminho.read_text(encoding="utf-8"))
    for caminho in arquivos("*.ipynb"):
        yield caminho, sem_marcas(prosa(caminho))


def ramos(arvore):
    """Todos os nós da árvore que o mistune devolve, de cima para baixo."""
    for no in arvore:
        yield no
        yield from ramos(no.get("children", ()))


def nos(texto):
    return list(ramos(PARTIR(texto)))


def portugues(no, calados=("emphasis",)):
    """O texto de um nó, sem o código, o itálico (das palavras de outra língua) e os nomes de endereços externos."""
    if no["type"] in calados or no["type"] == "link" and no["attrs"]["url"].startswith("http"):
        return " "
    if no["type"] == "text":
        return no["raw"]
    return " ".join(portugues(filho, calados) for filho in no.get("children", ()))


def falado(no):
    """O texto de um nó como quem lê o vê, com o código de fora."""
    if no["type"] in ("text", "inline_html"):
        return no.get("raw", "")
    return "".join(falado(filho) for filho in no.get("children", ()))


def ancora(titulo):
    """O endereço que o GitHub e o Jupyter dão a um título."""
    return re.sub(r"[^\w\- ]", "", titulo.lower()).replace(" ", "-")


def codigos():
    """(arquivo, código) de cada .py e de cada célula de código."""
    for caminho in arquivos("*.py"):
        yield caminho, caminho.read_text(encoding="utf-8")
    for caminho in arquivos("*.ipynb"):
        for celula in celulas(caminho):
            if celula["cell_type"] == "code":
                yield caminho, texto(celula)


def frases(codigo):
    """Os comentários, as docstrings e as mensagens de um código: o que nele é português."""
    for peca in tokenize.generate_tokens(io.StringIO(codigo).readline):
        if peca.type == tokenize.COMMENT and not peca.string.startswith(("#|", "#!", "# %%")):
            yield peca.string
    arvore = ast.parse(codigo)
    chaves = {c.value for d in ast.walk(arvore) if isinstance(d, ast.Dict) for c in d.keys if isinstance(c, ast.Constant)}
    for no in ast.walk(arvore):
        # Quem traz estes sinais é regex, HTML ou CSS, e não frase.
        if isinstance(no, ast.Constant) and isinstance(no.value, str) and not re.search(r"[\\|=;]|: %|'$", no.value):
            if len(no.value.split()) >= 3 and no.value not in chaves:
                yield no.value


def enderecos():
    """Endereço externo -> os arquivos em que ele está."""
    onde = defaultdict(set)
    for caminho, lido in paginas():
        for no in nos(lido):
            if no["type"] in ("link", "image") and no["attrs"]["url"].startswith("http"):
                onde[no["attrs"]["url"]].add(str(caminho.relative_to(RAIZ)))
    return onde


def abre(endereco):
    pedido = urllib.request.Request(endereco, headers={"User-Agent": "Mozilla/5.0"})
    try:
        with urllib.request.urlopen(pedido, timeout=20) as resposta:
            return str(resposta.status)
    except OSError as erro:
        return f"falhou: {erro}"


if __name__ == "__main__":
    for endereco, lugares in sorted(enderecos().items()):
        situacao = abre(endereco) + "  " if "--conferir" in sys.argv[1:] else ""
        print(f"{situacao}{endereco}  ({', '.join(sorted(lugares))})")
