"""Cada prova prova: trocada a peça por uma quebrada, a célula falha. As trocas estão em viradas.py."""

import tomllib

import pytest
import viradas
from viradas import CAPITULO, SEM_VIRADA, VIRADAS, roda

LIVRO = tomllib.loads((CAPITULO / "afirmacoes.toml").read_text(encoding="utf-8"))
PROVAS = sorted({prova for a in LIVRO["afirmacao"] for prova in a.get("provas", [])})


@pytest.mark.lento
@pytest.mark.parametrize("prova", [p for p in PROVAS if p[:2] != "07" and p not in SEM_VIRADA])
def test_com_as_pecas_inteiras_a_prova_passa(prova, tmp_path, monkeypatch):
    """Sem isto, uma virada poderia falhar por outro motivo. A lição 07 treina quinze modelos: lá, é o notebook que diz."""
    roda(prova, tmp_path, monkeypatch)


def caso(virada):
    rapida = virada.celula[:2] in viradas.RAPIDAS and virada.celula not in viradas.DEMORADAS
    return pytest.param(virada, id=f"{virada.celula}-{virada.nome}", marks=[] if rapida else [pytest.mark.lento])


@pytest.mark.parametrize("virada", [caso(v) for v in VIRADAS if v.celula[:2] != "07"])
def test_com_a_peca_quebrada_a_prova_falha(virada, tmp_path, monkeypatch):
    with pytest.raises(AssertionError):
        roda(virada.celula, tmp_path, monkeypatch, virada)
