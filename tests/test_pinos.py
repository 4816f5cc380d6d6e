"""Tudo o que as travas dizem tem arquivo pronto para cada Python e cada sistema que o curso promete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import curso
import pytest

RAIZ = Path(__file__).resolve().parent.parent
# Como o uv chama cada sistema; o torch 2.13 pede o macOS 14.
NO_UV = {"windows": "windows", "mac": "aarch64-apple-darwin", "linux": "x86_64-manylinux_2_28", "linux-arm": "aarch64-manylinux_2_28"}
SEM_REDE = r"dns error|error sending request|[Ff]ailed to fetch|timed out|Temporary failure|NewConnectionError|[Cc]onnection (refused|reset)"


@pytest.mark.lento
@pytest.mark.parametrize("python", curso.PYTHONS_DO_KIT)
@pytest.mark.parametrize("sistema", sorted(NO_UV))
def test_ha_pacote_pronto(sistema, python, tmp_path):
    pytest.importorskip("uv", reason="teste dos pacotes de outros sistemas pulado: falta o uv; rode «python3 curso.py testes».")
    trava = RAIZ / curso.trava(curso.PACOTES_DOS_TESTES)
    uv = subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--no-deps", "--only-binary", ":all:", "--python-version", python,
                         "--python-platform", NO_UV[sistema], "--target", tmp_path, curso.torch_fixado(), "-r", trava],
                        capture_output=True, text=True, env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"})
    if re.search(SEM_REDE, uv.stderr):
        pytest.skip("teste dos pacotes de outros sistemas pulado: o uv não alcança o índice.")
    assert uv.returncode == 0, uv.stderr[-2000:]
    prontos = set(re.findall(r"^ \+ (\S+==\S+)", uv.stderr, re.MULTILINE))
    # Os que não têm condição («só no Windows») vão para todos.
    pedidos = set(re.findall(r"^([\w.-]+==\S+) \\$", trava.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(pedidos) > 100 and prontos >= pedidos | {curso.torch_fixado()}


@pytest.mark.lento
def test_o_pip_aceita_a_trava_para_o_windows(tmp_path):
    """Uma amostra com o pip, que baixa cada arquivo e confere a impressão; as outras combinações conferiram-se ao fazer a trava."""
    pip = subprocess.run([sys.executable, RAIZ / "ferramentas" / "pip_para.py", "windows", "3.14", "install", "--dry-run", "--ignore-installed",
                          "--no-deps", "--require-hashes", *curso.OPCOES_DO_PIP,
                          "--target", tmp_path, "-r", RAIZ / curso.trava(curso.PACOTES)], capture_output=True, text=True)
    if pip.returncode != 0 and re.search(SEM_REDE, pip.stderr):
        pytest.skip("teste do pip com a trava pulado: o pip não alcança o índice.")
    assert pip.returncode == 0, pip.stderr[-2000:]
    prontos = re.search(r"Would install (.+)", pip.stdout)[1].split()
    assert any(p.startswith("pywinpty-") for p in prontos) and not any(p.startswith(("torch-", "appnope-")) for p in prontos)
