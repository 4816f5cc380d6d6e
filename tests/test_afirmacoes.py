"""O livro das afirmações (afirmacoes.toml): cada uma está mesmo no texto e tem prova, fonte ou o nome de opinião.

Que cada prova prova mesmo, test_viradas.py e test_laboratorio.py mostram.
"""

import ast
import json
import sys
import tomllib
from pathlib import Path

import pytest
import viradas
from viradas import SEM_VIRADA, VIRADAS, celula, celulas

RAIZ = Path(__file__).resolve().parent.parent
CAPITULO = RAIZ / "04-gpt-do-zero"
sys.path.insert(0, str(RAIZ / "ferramentas"))
import afirmacoes as ferramenta  # noqa: E402

LIVRO = tomllib.loads((CAPITULO / "afirmacoes.toml").read_text(encoding="utf-8"))
AFIRMACOES, FONTES = LIVRO["afirmacao"], LIVRO["fonte"]
MEDIDAS = json.loads(Path(__file__).with_name("medidas.json").read_text(encoding="utf-8"))
PROVAS = sorted({prova for a in AFIRMACOES for prova in a.get("provas", [])})
cada = pytest.mark.parametrize("afirmacao", AFIRMACOES, ids=[a["id"] for a in AFIRMACOES])


def texto(lugar):
    """O que se lê no README ou na prosa de uma lição."""
    if lugar == "README":
        return (CAPITULO / "README.md").read_text(encoding="utf-8").split(ferramenta.INICIO)[0]
    return "\n".join("".join(c["source"]) for c in celulas(lugar) if c["cell_type"] == "markdown")


def test_nenhum_id_se_repete():
    ids = [a["id"] for a in AFIRMACOES]
    assert len(set(ids)) == len(ids) > 150


@cada
def test_o_trecho_esta_mesmo_no_texto(afirmacao):
    assert afirmacao["onde"]
    for lugar, trecho in afirmacao["onde"].items():
        assert trecho in texto(lugar), f"{lugar}: «{trecho}»"


@cada
def test_cada_tipo_traz_o_que_promete(afirmacao):
    extras = set(afirmacao) - {"id", "tipo", "onde"}
    assert extras and extras <= {"provas", "medidas"} if afirmacao["tipo"] == "medida" else extras == (
        {"fonte": {"fontes"}, "opiniao": set()}[afirmacao["tipo"]])
    assert set(afirmacao.get("medidas", [])) <= set(MEDIDAS)
    for obra, secao in afirmacao.get("fontes", []):
        assert obra in FONTES and secao.strip()


@pytest.mark.parametrize("prova", PROVAS)
def test_a_celula_tem_o_rotulo_e_confere(prova):
    c = celula(prova)
    assert "prova" in c["metadata"].get("tags", [])
    assert any(isinstance(no, ast.Assert) for no in ast.walk(ast.parse("".join(c["source"]))))


def test_toda_celula_com_o_rotulo_prova_alguma_coisa():
    rotuladas = {c["id"] for licao in viradas.LICOES for c in celulas(licao) if "prova" in c["metadata"].get("tags", [])}
    assert rotuladas == set(PROVAS)


@pytest.mark.parametrize("obra", FONTES)
def test_cada_obra_diz_quem_quando_onde_e_o_que_se_leu(obra):
    fonte = FONTES[obra]
    assert set(fonte) == {"autor", "ano", "titulo", "link", "lida"}
    assert fonte["link"].startswith("https://") and 1900 < fonte["ano"] <= 2026
    assert any(obra == usada for a in AFIRMACOES for usada, _ in a.get("fontes", [])), "nenhuma afirmação a usa"


def test_a_lista_do_readme_esta_em_dia():
    lido = (CAPITULO / "README.md").read_text(encoding="utf-8")
    assert ferramenta.com_a_lista(lido) == lido, "rode «python3 curso.py atualizar provas»"


def test_toda_prova_tem_uma_virada_ou_diz_por_que_nao():
    viradas_por_celula = {v.celula for v in VIRADAS}
    assert viradas_por_celula.isdisjoint(SEM_VIRADA)
    assert viradas_por_celula | set(SEM_VIRADA) == set(PROVAS)
