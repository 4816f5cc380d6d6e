"""Codespaces e Binder: o que os arquivos deles dizem é o que o curso faz."""

import json
import re
import subprocess
import sys
from pathlib import Path

RAIZ = Path(__file__).resolve().parent.parent


def test_o_comando_do_codespaces_e_do_curso():
    ficha = json.loads((RAIZ / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    programa, curso, comando, *opcoes = ficha["postCreateCommand"].split()
    assert (programa, curso) == ("python3", "curso.py") and opcoes[-2:] == ["--", "--version"]
    ajuda = subprocess.run([sys.executable, RAIZ / curso, comando, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(opcao in ajuda for opcao in opcoes[:-2])
    assert ficha["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].endswith("/.venv/bin/python")


def test_o_binder_instala_os_cinco_pacotes_com_o_torch_de_cpu():
    linhas = [linha for linha in (RAIZ / ".binder" / "requirements.txt").read_text(encoding="utf-8").splitlines() if linha[:1] not in ("#", "")]
    assert linhas == ["--extra-index-url https://download.pytorch.org/whl/cpu", "-r ../requirements.txt"]
    versao = re.fullmatch(r"python-3\.(\d+)\n", (RAIZ / ".binder" / "runtime.txt").read_text(encoding="utf-8"))
    assert 11 <= int(versao[1]) <= 14
