"""Com as peças inteiras, cada prova passa: sem isto, uma virada de test_viradas.py poderia falhar por outro motivo.

Fica num arquivo à parte para que os dois rodem ao mesmo tempo, cada um num processo.
"""

import pytest

import afirmacoes
from viradas import SEM_VIRADA, do_laboratorio, roda

# Comparam o tempo de duas corridas: se a máquina se distrai numa delas, tenta-se outra vez.
DE_RELOGIO = {"corrida-056", "corrida-064"}
PROVAS = sorted({prova for a in afirmacoes.ler()["afirmacao"] for prova in a.get("provas", [])})


@pytest.mark.lento
@pytest.mark.parametrize("prova", [p for p in PROVAS if not do_laboratorio(p) and p not in SEM_VIRADA])
def test_com_as_pecas_inteiras_a_prova_passa(prova, tmp_path, monkeypatch):
    """O laboratório treina quinze modelos: lá, é o notebook que diz."""
    for resta in reversed(range(3 if prova in DE_RELOGIO else 1)):
        try:
            return roda(prova, tmp_path, monkeypatch)
        except AssertionError:
            if not resta:
                raise
