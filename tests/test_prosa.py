"""A prosa: ortografia, títulos, imagens com texto alternativo, e todo endereço de dentro leva a algum lugar."""

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote

import pytest

RAIZ = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RAIZ / "ferramentas"))
import prosa  # noqa: E402

TERMOS = {linha for linha in Path(__file__).with_name("termos.txt").read_text(encoding="utf-8").splitlines() if linha[:1] != "#"}
PAGINAS = list(prosa.paginas())
por_pagina = pytest.mark.parametrize(("caminho", "texto"), PAGINAS, ids=[str(c.relative_to(RAIZ)) for c, _ in PAGINAS])
CODIGO = re.compile(r"`[^`]*`|https?://\S+|\$[^$]*\$|<[^>]*>|\{[^{}]*\}|\S*[_=()\[\]/@|\\]\S*|\w+\.\w+\S*|\b\w*\d\w*\b")
PALAVRA = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def palavras(texto):
    """As palavras de verdade; os nomes com maiúscula no meio (LayerNorm) são código."""
    return {p for p in PALAVRA.findall(CODIGO.sub(" ", texto)) if not re.search(r"[^\W_][A-Z]", p) and len(p) > 2}


def erros(onde):
    """As palavras que o hunspell e a lista de termos não conhecem, cada uma com os seus lugares."""
    pedido = "\n".join(sorted(onde))
    saida = subprocess.run(["hunspell", "-d", "pt_BR", "-i", "utf-8", "-l"], input=pedido, capture_output=True, text=True,
                           encoding="utf-8", check=True, env=os.environ | {"LC_ALL": "C.UTF-8"}).stdout.split()
    return {p: sorted(onde[p]) for p in saida if p in onde and p.lower() not in TERMOS and p not in TERMOS}


def hunspell_em_portugues():
    if not shutil.which("hunspell"):
        return False
    return "pt_BR" in subprocess.run(["hunspell", "-D"], input="", capture_output=True, text=True, check=False).stderr


def precisa_de_hunspell():
    if not hunspell_em_portugues():
        texto = "sem o hunspell e o dicionário pt_BR (apt-get install hunspell hunspell-pt-br) a ortografia não é conferida"
        pytest.fail(texto) if os.environ.get("EXIGE_HUNSPELL") else pytest.skip(texto)


def test_a_prosa_nao_tem_erro_de_ortografia():
    precisa_de_hunspell()
    onde = defaultdict(set)
    for caminho, texto in PAGINAS:
        if caminho.name == "provas.md":
            continue                        # cada frase dela é conferida no texto de onde saiu
        calados = ("emphasis", "strong") if caminho.name == "links.md" else ("emphasis",)      # ali, o negrito é título de artigo
        lido = " ".join(prosa.portugues(no, calados) for no in prosa.PARTIR(texto))
        for palavra in palavras(lido):
            onde[palavra].add(caminho.name)
    assert erros(onde) == {}


def test_o_portugues_do_codigo_nao_tem_erro_de_ortografia():
    precisa_de_hunspell()
    onde = defaultdict(set)
    for caminho, codigo in prosa.codigos():
        if "tests" not in caminho.parts:
            for frase in prosa.frases(codigo):
                for palavra in palavras(frase):
                    onde[palavra].add(caminho.name)
    assert erros(onde) == {}


def test_o_conferidor_acha_um_erro():
    precisa_de_hunspell()
    assert set(erros({"atenssão": {"x"}, "atenção": {"x"}, "tokenizador": {"x"}})) == {"atenssão"}


@por_pagina
def test_um_titulo_principal_e_nenhum_degrau_pulado(caminho, texto):
    niveis = [no["attrs"]["level"] for no in prosa.nos(texto) if no["type"] == "heading"]
    assert niveis.count(1) == 1 and niveis[0] == 1
    assert all(depois <= antes + 1 for antes, depois in zip(niveis, niveis[1:], strict=False))


@por_pagina
def test_toda_imagem_tem_texto_alternativo(caminho, texto):
    for no in prosa.nos(texto):
        if no["type"] == "image":
            assert len(prosa.falado(no).split()) >= 3, no["attrs"]["url"]
    for etiqueta in re.findall(r"<img[^>]*>", texto):
        assert re.search(r'alt="[^"]{8,}"', etiqueta), etiqueta


@por_pagina
def test_nenhum_endereco_solto_no_texto(caminho, texto):
    soltos = [no["raw"] for no in prosa.nos(texto) if no["type"] == "text" and re.search(r"https?://", no["raw"])]
    assert soltos == []


@por_pagina
def test_todo_endereco_de_dentro_leva_a_algum_lugar(caminho, texto):
    for no in prosa.nos(texto):
        if no["type"] not in ("link", "image"):
            continue
        endereco, _, ancora = unquote(no["attrs"]["url"]).partition("#")
        if endereco.startswith(("http:", "https:", "mailto:")):
            continue
        destino = (caminho.parent / endereco) if endereco else caminho
        assert destino.exists(), no["attrs"]["url"]
        if ancora and destino.suffix in (".md", ".ipynb"):
            titulos = [prosa.ancora("".join(t.get("raw", "") for t in prosa.ramos(n["children"])))
                       for n in prosa.nos(dict(PAGINAS)[destino.resolve()]) if n["type"] == "heading"]
            assert ancora.lower() in titulos, no["attrs"]["url"]


def test_todo_endereco_externo_e_https():
    assert [e for e in prosa.enderecos() if not e.startswith("https://")] == []
