"""O ruff, com os ajustes do pyproject.toml, não tem o que dizer do código do curso."""

import subprocess
import sys

from cadernos import RAIZ


def test_o_ruff_nao_tem_o_que_dizer():
    feito = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", "."], cwd=RAIZ,
                           capture_output=True, text=True, check=False)
    assert feito.returncode == 0, feito.stdout
