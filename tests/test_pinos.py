"""Os pacotes fixados têm arquivo pronto para cada Python e cada sistema que o curso promete."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

RAIZ = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RAIZ))
import curso  # noqa: E402


@pytest.mark.lento
@pytest.mark.parametrize("python", curso.PYTHONS_DO_KIT)
@pytest.mark.parametrize("sistema", sorted(curso.PLATAFORMAS))
def test_ha_pacote_pronto(sistema, python, tmp_path):
    plataformas = [parte for nome in curso.PLATAFORMAS[sistema] for parte in ("--platform", nome)]
    pip = subprocess.run([sys.executable, RAIZ / "ferramentas" / "pip_para.py", sistema, python, "install", "--dry-run", "--ignore-installed",
                          "--no-deps", "--only-binary=:all:", "--python-version", python, *plataformas, "--target", tmp_path,
                          "-r", RAIZ / "requirements.txt"], capture_output=True, text=True)
    if re.search("Temporary failure|onnection|timed out|resolution", pip.stderr):
        pytest.skip("teste dos pacotes de outros sistemas pulado: o pip não alcança o índice.")
    assert pip.returncode == 0, pip.stderr[-2000:]
    prontos = re.search(r"Would install (.+)", pip.stdout)[1].split()
    pedidos = re.findall(r"^([\w-]+)==(\S+)", (RAIZ / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(pedidos) == 5
    assert {re.sub(r"\+cpu$", "", p) for p in prontos} == {f"{nome}-{versao}" for nome, versao in pedidos}
