"""Cada prova prova: trocada a peça por uma quebrada, a célula falha. As trocas estão em viradas.py."""

import pytest

import afirmacoes
import viradas
from viradas import SEM_VIRADA, VIRADAS, do_laboratorio, roda

PROVAS = sorted({prova for a in afirmacoes.ler()["afirmacao"] for prova in a.get("provas", [])})


@pytest.mark.lento
@pytest.mark.parametrize("prova", [p for p in PROVAS if not do_laboratorio(p) and p not in SEM_VIRADA])
def test_com_as_pecas_inteiras_a_prova_passa(prova, tmp_path, monkeypatch):
    """Sem isto, uma virada poderia falhar por outro motivo. O laboratório treina quinze modelos: lá, é o notebook que diz."""
    roda(prova, tmp_path, monkeypatch)


def casos():
    """Uma em cada três a cada vez que se mexe em algo, das que não demoram; todas, na suíte inteira."""
    for i, virada in enumerate(v for v in VIRADAS if not do_laboratorio(v.celula)):
        lenta = virada.celula in viradas.DEMORADAS or i % 3
        yield pytest.param(virada, id=f"{virada.celula}-{virada.nome}", marks=[pytest.mark.lento] if lenta else [])


@pytest.mark.parametrize("virada", [*casos()])
def test_com_a_peca_quebrada_a_prova_falha(virada, tmp_path, monkeypatch):
    with pytest.raises(AssertionError):
        roda(virada.celula, tmp_path, monkeypatch, virada)
