"""Os números se escrevem em português, de um jeito só."""

import math
import re
from pathlib import Path

import pytest
import torch

from apoio.numeros import formatado, numero, porcento

RAIZ = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("valor, casas, escrito", [
    (0, 1, "0,0"), (0.25, 2, "0,25"), (3.14159, 3, "3,142"), (2.675, 2, "2,67"), (0.5, 0, "0"), (1.5, 0, "2"), (0.999, 2, "1,00"),
    (999.96, 1, "1.000,0"), (1234.5, 1, "1.234,5"), (1_234_567, 0, "1.234.567"), (-1234.56, 1, "−1.234,6"),
    (-0.5, 1, "−0,5"), (-0.0, 1, "0,0"), (-0.04, 1, "0,0"), (-0.4, 0, "0"), (-0.06, 1, "−0,1"),
    (math.nan, 2, "nan"), (math.inf, 2, "inf"), (-math.inf, 2, "−inf"),
    (torch.tensor(-2.5), 1, "−2,5"), (torch.tensor([[1e4]]), 0, "10.000"),
])
def test_numero(valor, casas, escrito):
    assert numero(valor, casas) == escrito


@pytest.mark.parametrize("parte, casas, escrito", [
    (0, 0, "0%"), (0.843, 0, "84%"), (0.9999, 1, "100,0%"), (0.0625, 1, "6,2%"), (12.5, 0, "1.250%"), (-0.031, 1, "−3,1%"),
    (-0.001, 0, "0%"), (-0.0, 1, "0,0%"), (math.nan, 0, "nan%"),
])
def test_porcento(parte, casas, escrito):
    assert porcento(parte, casas) == escrito


@pytest.mark.parametrize("valor, formato, escrito", [
    (0.5, ".4g", "0,5"), (12.3456, ".4g", "12,35"), (1e-5, ".4g", "1e−5"), (1234567, ".4g", "1,235e6"), (1000, ",g", "1.000"),
    (1.37e-25, ".1e", "1,4e−25"), (9.6e9, ".1e", "9,6e9"), (1e100, ".1e", "1,0e100"), (-0.0, ".1e", "0,0e0"), (-3e-10, ".0e", "−3e−10"),
    (0.25, "+.1f", "+0,2"), (-0.25, "+.1f", "−0,2"), (1.0, ".2e", "1,00e0"),
])
def test_formatado(valor, formato, escrito):
    assert formatado(valor, formato) == escrito


def test_so_uma_sala_sabe_escrever_numeros():
    casas = [RAIZ / "04-gpt-do-zero" / "apoio", RAIZ / "infograficos", RAIZ / "ferramentas"]
    a_parte = ("numeros",)
    outras = [p for casa in casas for p in casa.rglob("*.py") if not any(nome in p.relative_to(RAIZ).as_posix() for nome in a_parte)]
    assert len(outras) > 25
    assert [p.name for p in outras if re.search(r"""replace\(["']\.["'], ?["'],|maketrans""", p.read_text(encoding="utf-8"))] == []
