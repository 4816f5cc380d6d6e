"""Cada prova prova: trocada a peça por uma quebrada, a célula falha. As trocas estão em viradas.py."""

import pytest

import viradas
from viradas import VIRADAS, do_laboratorio, roda


def casos():
    """Uma em cada três a cada vez que se mexe em algo, das que não demoram; todas, na suíte inteira."""
    for i, virada in enumerate(v for v in VIRADAS if not do_laboratorio(v.celula)):
        lenta = virada.celula in viradas.DEMORADAS or i % 3
        yield pytest.param(virada, id=f"{virada.celula}-{virada.nome}", marks=[pytest.mark.lento] if lenta else [])


@pytest.mark.parametrize("virada", [*casos()])
def test_com_a_peca_quebrada_a_prova_falha(virada, tmp_path, monkeypatch):
    with pytest.raises(AssertionError):
        roda(virada.celula, tmp_path, monkeypatch, virada)
