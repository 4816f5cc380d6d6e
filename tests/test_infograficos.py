"""A galeria: redesenhada, dá os mesmos números e a mesma estrutura; nunca se comparam pontos da imagem."""

import json
import math
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb
from PIL import Image

RAIZ = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RAIZ / "infograficos"))

import desenhar  # noqa: E402
import estilo  # noqa: E402

GALERIA = RAIZ / "04-gpt-do-zero" / "infograficos"
NOMES = ["01-transformer-block", "02-transformer-flow", "03-feedforward", "04-residual-norm", "05-gpt-mini-pipeline",
         "06-mascara-causal", "07-geracao-autoregressiva", "08-mapa-do-capitulo"]
SVG = "{http://www.w3.org/2000/svg}"
figuras = pytest.mark.parametrize("figura", desenhar.FIGURAS, ids=lambda f: f.NOME)


@pytest.fixture(scope="module")
def nova(tmp_path_factory):
    pasta = tmp_path_factory.mktemp("galeria")
    for figura in desenhar.FIGURAS:
        desenhar.redesenhar(figura, pasta)
    return pasta


def conferir_iguais(a, b, onde=""):
    if isinstance(a, float) and isinstance(b, (int, float)):
        assert math.isclose(a, b, rel_tol=0.01, abs_tol=0.02), f"{onde}: {a} e {b}"
    elif isinstance(a, dict):
        assert list(a) == list(b), f"{onde}: {list(a)} e {list(b)}"
        for chave in a:
            conferir_iguais(a[chave], b[chave], f"{onde}.{chave}")
    elif isinstance(a, list):
        assert len(a) == len(b), f"{onde}: {len(a)} e {len(b)} itens"
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            conferir_iguais(x, y, f"{onde}[{i}]")
    else:
        assert a == b, f"{onde}: {a!r} e {b!r}"


def estrutura(caminho):
    """(quantos elementos de cada tipo, os textos sem algarismos: os números já se conferem no JSON)."""
    raiz = ET.parse(caminho).getroot()
    textos = ["".join(t.itertext()).strip() for t in raiz.iter(SVG + "text")]
    contas = Counter(e.tag.removeprefix(SVG) for e in raiz.iter())
    return contas, [re.sub(r"[<>]?[−\d][\d,]*", "#", t) for t in textos]


def test_sao_as_oito_com_os_nomes_combinados():
    assert [f.NOME for f in desenhar.FIGURAS] == NOMES
    assert sorted(a.name for a in GALERIA.iterdir()) == sorted(
        ["README.md", *(n + fim for n in NOMES for fim in (".svg", ".png", ".json"))])


@figuras
@pytest.mark.lento
def test_redesenhada_da_os_mesmos_numeros(figura, nova):
    antes, agora = (json.loads((p / f"{figura.NOME}.json").read_text(encoding="utf-8")) for p in (GALERIA, nova))
    conferir_iguais(antes, agora, figura.NOME)


@figuras
@pytest.mark.lento
def test_redesenhada_tem_a_mesma_estrutura(figura, nova):
    contas, textos = estrutura(GALERIA / f"{figura.NOME}.svg")
    contas_novas, textos_novos = estrutura(nova / f"{figura.NOME}.svg")
    assert textos == textos_novos
    assert len(textos) >= 8
    assert contas == contas_novas


@figuras
def test_o_svg_se_apresenta_e_nao_traz_data(figura):
    arquivo = GALERIA / f"{figura.NOME}.svg"
    raiz = ET.parse(arquivo).getroot()
    assert raiz.find(SVG + "title").text == figura.TITULO
    assert raiz.find(SVG + "desc").text == figura.ALTERNATIVO
    assert raiz.get("aria-labelledby") == "titulo descricao"
    assert "metadata" not in arquivo.read_text(encoding="utf-8")
    assert arquivo.stat().st_size < 150_000


@figuras
def test_nenhuma_letra_miuda_e_nada_fora_da_folha(figura):
    desenho = figura.desenhar(figura.dados())
    largura, altura = desenho.canvas.get_width_height()
    desenho.canvas.draw()
    rotulos = [t for eixo in desenho.axes for t in eixo.texts if t.get_text()]
    for eixo in desenho.axes[1:]:       # o primeiro é a folha; os outros são gráficos
        for lado in (eixo.xaxis, eixo.yaxis):
            menor, maior = sorted(lado.get_view_interval())
            marcas = zip(lado.get_majorticklocs(), lado.get_ticklabels(), strict=True)
            rotulos += [lado.label, *(rotulo for onde, rotulo in marcas if menor <= onde <= maior)]
    rotulos = [r for r in rotulos if r.get_text()]
    assert len(rotulos) >= 8
    for rotulo in rotulos:
        caixa = rotulo.get_window_extent()
        assert caixa.x0 > 15 and caixa.x1 < largura - 15 and caixa.y0 > 10 and caixa.y1 < altura - 15, rotulo.get_text()
        assert rotulo.get_fontsize() >= estilo.PEQUENO, rotulo.get_text()


@figuras
def test_o_png_tem_1600_pontos_e_pesa_pouco(figura):
    arquivo = GALERIA / f"{figura.NOME}.png"
    assert Image.open(arquivo).width == 1600
    assert arquivo.stat().st_size < 300_000


@figuras
def test_o_texto_alternativo_esta_em_todo_readme(figura):
    for readme, caminho in ((GALERIA / "README.md", ""), (RAIZ / "04-gpt-do-zero/README.md", "infograficos/"),
                            (RAIZ / "infograficos/README.md", "../04-gpt-do-zero/infograficos/")):
        assert f"![{figura.ALTERNATIVO}]({caminho}{figura.NOME}.png)" in readme.read_text(encoding="utf-8"), readme
    assert not re.search(r"\d,\d|(?<!\b100)%", figura.ALTERNATIVO)     # nada que mude com outro treino


@figuras
def test_a_figura_esta_na_secao_que_diz(figura):
    capitulo = (RAIZ / "04-gpt-do-zero/README.md").read_text(encoding="utf-8")
    secao = next(s for s in capitulo.split("\n## ") if s.startswith(figura.SECAO + "\n"))
    assert f"(infograficos/{figura.NOME}.png)" in secao


def contraste(a, b):
    """A razão de contraste da WCAG 2.2 entre duas cores."""
    claras = []
    for cor in (a, b):
        r, g, b_ = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(cor))
        claras.append(0.2126 * r + 0.7152 * g + 0.0722 * b_ + 0.05)
    return max(claras) / min(claras)


def test_toda_letra_contrasta_com_o_seu_fundo():
    assert contraste("#000000", "#FFFFFF") == pytest.approx(21)
    for peca in ("embedding", "atencao", "feedforward", "residual", "norm", "saida"):
        cor = estilo.COR[peca]
        assert contraste(cor, estilo.tinta_sobre(to_rgb(cor))) >= 4.5, peca
    for fundo in (estilo.PAPEL, estilo.COR["papel"], estilo.claro(estilo.COR["saida"], 0.8)):
        for tinta in (estilo.TINTA, estilo.APAGADO):
            assert contraste(tinta, fundo) >= 4.5, (tinta, fundo)
