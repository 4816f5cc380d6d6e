"""A bancada de defeitos não apodrece calada: o que ela troca está no curso de hoje, uma vez só em cada arquivo."""

import tomllib

import pytest

from cadernos import RAIZ

DEFEITOS = tomllib.loads((RAIZ / "tests" / "defeitos.toml").read_text(encoding="utf-8"))["defeito"]


@pytest.mark.parametrize("defeito", DEFEITOS, ids=lambda defeito: defeito["nome"][:60])
def test_o_que_o_defeito_troca_esta_no_curso(defeito):
    assert defeito["novo"] != defeito["velho"]
    for nome in (defeito["arquivo"], *defeito.get("tambem", [])):
        assert (RAIZ / nome).read_text(encoding="utf-8").count(defeito["velho"]) == 1, nome
