"""O livro das afirmações (afirmacoes.toml): cada uma está marcada no texto e tem prova, fonte ou o nome de opinião.

Que cada prova prova mesmo, test_viradas.py e test_laboratorio.py mostram.
"""

import ast
import json
from pathlib import Path

import pytest

import afirmacoes as ferramenta
from cadernos import celula, celulas, licoes, rotulos, texto
from viradas import SEM_VIRADA, VIRADAS

LIVRO = ferramenta.ler()
AFIRMACOES, FONTES = LIVRO["afirmacao"], LIVRO["fonte"]
MEDIDAS = json.loads(Path(__file__).with_name("medidas.json").read_text(encoding="utf-8"))
PROVAS = sorted({prova for a in AFIRMACOES for prova in a.get("provas", [])})
cada = pytest.mark.parametrize("afirmacao", AFIRMACOES, ids=[a["id"] for a in AFIRMACOES])


def test_nenhum_id_se_repete():
    ids = [a["id"] for a in AFIRMACOES]
    assert len(set(ids)) == len(ids) > 150


def test_o_que_o_texto_marca_e_o_que_o_livro_sustenta():
    """Nenhuma afirmação sem prova, nem prova sem afirmação; o que se retirou não se afirma mais, e diz por quê."""
    marcadas = {m[1] for _, _, lido in ferramenta.partes() for m in ferramenta.MARCA.finditer(lido)}
    assert marcadas == {a["id"] for a in AFIRMACOES}
    retiradas = LIVRO.get("retirada", [])
    assert marcadas.isdisjoint(r["id"] for r in retiradas)
    assert all(set(r) == {"id", "frase", "motivo"} and r["motivo"].strip() for r in retiradas)


def test_toda_marca_esta_no_fim_de_uma_frase_que_se_le():
    for nome, _, lido in ferramenta.partes():
        assert not ferramenta.re.search(r"^#.*<!-- [a-z0-9-]+ -->", lido, ferramenta.re.MULTILINE), f"{nome}: marca num título muda a âncora dele"
        for m in ferramenta.MARCA.finditer(lido):
            frase = ferramenta.frase(lido, m)
            assert 8 <= len(frase) <= 700 and "<!--" not in frase, f"{nome}, {m[1]}: «{frase}»"


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
    assert "prova" in rotulos(c)
    assert any(isinstance(no, ast.Assert) for no in ast.walk(ast.parse(texto(c))))


def test_toda_celula_com_o_rotulo_prova_alguma_coisa():
    rotuladas = {c["id"] for licao in licoes() for c in celulas(licao) if "prova" in rotulos(c)}
    assert rotuladas == set(PROVAS)


@pytest.mark.parametrize("obra", FONTES)
def test_cada_obra_diz_quem_quando_onde_e_o_que_se_leu(obra):
    fonte = FONTES[obra]
    assert set(fonte) == {"autor", "ano", "titulo", "link", "lida"}
    assert fonte["link"].startswith("https://") and 1900 < fonte["ano"] <= 2026
    assert any(obra == usada for a in AFIRMACOES for usada, _ in a.get("fontes", [])), "nenhuma afirmação a usa"


def test_a_lista_esta_em_dia():
    assert ferramenta.PROVAS.read_text(encoding="utf-8") == ferramenta.lista(LIVRO), "rode «python3 curso.py atualizar provas»"


def test_toda_prova_tem_uma_virada_ou_diz_por_que_nao():
    viradas_por_celula = {v.celula for v in VIRADAS}
    assert viradas_por_celula.isdisjoint(SEM_VIRADA)
    assert viradas_por_celula | set(SEM_VIRADA) == set(PROVAS)
