"""Codespaces e Binder: o que os arquivos deles dizem é o que o curso faz."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import curso
import pytest

RAIZ = Path(__file__).resolve().parent.parent
BINDER = RAIZ / ".binder"


def test_o_comando_do_codespaces_e_do_curso():
    ficha = json.loads((RAIZ / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    programa, lancador, comando, *opcoes = ficha["postCreateCommand"].split()
    assert (programa, lancador) == ("python3", "curso.py") and opcoes[-2:] == ["--", "--version"]
    ajuda = subprocess.run([sys.executable, RAIZ / lancador, comando, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(opcao in ajuda for opcao in opcoes[:-2])
    assert ficha["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].endswith("/.venv/bin/python")


def test_o_binder_instala_da_mesma_trava_que_o_lancador():
    linhas = [linha for linha in (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines() if linha[:1] not in ("#", "")]
    assert linhas == ["--only-binary :all:", "--require-hashes", "-r ../" + curso.trava(curso.PACOTES)]
    versao = re.fullmatch(r"python-(3\.\d+)\n", (BINDER / "runtime.txt").read_text(encoding="utf-8"))
    assert versao[1] in curso.PYTHONS_DO_KIT


@pytest.mark.skipif(os.name == "nt", reason="o postBuild é do Linux")
def test_o_binder_traz_o_torch_de_cpu_na_versao_da_lista(tmp_path):
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/pedido"\nexit 3\n', encoding="utf-8")
    pip.chmod(0o755)
    roda = subprocess.run([BINDER / "postBuild"], cwd=RAIZ, env={**os.environ, "KERNEL_PYTHON_PREFIX": str(tmp_path)})
    assert roda.returncode == 3                 # se o torch não vem, a imagem não se faz pela metade
    pedido = (tmp_path / "pedido").read_text(encoding="utf-8").split()
    assert pedido[0] == "install" and {"--no-deps", "--only-binary"} <= set(pedido)
    assert pedido[pedido.index("--index-url") + 1] == curso.INDICE_DE_CPU and pedido[-1] == curso.torch_fixado()
