"""Um ensaio numa cópia: lições renumeradas, uma dividida, um notebook novo. Afirmações, viradas e exportação seguem sem que se mexa nelas."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from cadernos import CAPITULO, RAIZ

NOVOS = {"09-laboratorio": "12-laboratorio", "10-do-mini-ao-gpt2": "13-do-mini-ao-gpt2", "11-corrida": "14-corrida",
         "06-treino": "07-treino", "07-geracao": "09-geracao"}
# Duas provas que se bastam: mudam de casa sem levar mais nada.
MUDAM = ("residual-prova-2", "residual-017")


@pytest.fixture
def copia(tmp_path):
    def fora(pasta, nomes):
        return {n for n in nomes if n in {".git", ".venv", "__pycache__", "meu-curso", "meu-modelo", "slides", ".pytest_cache", ".hypothesis"}}

    shutil.copytree(RAIZ, tmp_path / "curso", ignore=fora)
    return tmp_path / "curso"


def caderno(celulas, modelo):
    return json.dumps(modelo | {"cells": celulas}, ensure_ascii=False, indent=1) + "\n"


@pytest.mark.lento
def test_renumerar_dividir_e_acrescentar_sem_tocar_em_afirmacoes_nem_viradas(copia):
    capitulo, ajustes = copia / CAPITULO.name, copia / "pyproject.toml"
    tabelas = [copia / "tests" / "viradas.py", capitulo / "afirmacoes.toml"]
    antes = [t.read_bytes() for t in tabelas]
    for velho, novo in sorted(NOVOS.items(), reverse=True):
        (capitulo / f"{velho}.ipynb").rename(capitulo / f"{novo}.ipynb")
    # A lição 04 se divide: o treino das pilhas vai para outra, e duas provas vão para o notebook dos curiosos.
    modelo = json.loads((capitulo / "04-residual-e-layernorm.ipynb").read_text(encoding="utf-8"))
    ficam = [c for c in modelo["cells"] if c["id"] not in MUDAM]
    saem = [c for c in modelo["cells"] if c["id"] in MUDAM]
    titulo = {"cell_type": "markdown", "id": "curiosos-titulo", "metadata": {}, "source": ["# Curiosos\n", "\n", "## Caminhos"]}
    importa = {"cell_type": "code", "id": "curiosos-imports", "metadata": {}, "execution_count": 1, "outputs": [], "source": ["import math"]}
    (capitulo / "04-residual-e-layernorm.ipynb").write_text(caderno(ficam, modelo), encoding="utf-8")
    (capitulo / "curiosos.ipynb").write_text(caderno([titulo, importa, *saem], modelo), encoding="utf-8")
    lista = re.search(r"^licoes = \[\n(.*?)^\]", ajustes.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    nova = lista
    for velho, novo in NOVOS.items():
        nova = nova.replace(f'"{velho}"', f'"{novo}"')
    ajustes.write_text(ajustes.read_text(encoding="utf-8").replace(lista, nova + '    "curiosos",\n'), encoding="utf-8")
    salas = {p.name: p.read_text(encoding="utf-8") for p in (capitulo / "gptmini").glob("*.py")}

    ambiente = os.environ | {"PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    feito = subprocess.run([sys.executable, "ferramentas/atualizar.py", "exportar", "montar", "provas"], cwd=copia, env=ambiente,
                           capture_output=True, text=True, check=False)
    assert feito.returncode == 0, feito.stderr
    for nome, escrito in salas.items():          # as mesmas definições; só o nome do notebook, no comentário de cada célula, muda
        sem_notebook = [re.sub(r"[\w.-]+\.ipynb|\.\./", "", texto) for texto in (escrito, (capitulo / "gptmini" / nome).read_text(encoding="utf-8"))]
        assert sem_notebook[0] == sem_notebook[1], nome
    provas = (capitulo / "provas.md").read_text(encoding="utf-8")
    assert "(curiosos.ipynb) na curiosos, «Caminhos»" in provas and "(14-corrida.ipynb) na lição 14" in provas and "11-corrida" not in provas

    casos = "residual-prova-2 or treino-027 or geracao-034 or bloco-032 or corrida-022"
    feito = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "tests/test_afirmacoes.py",
                            "tests/test_viradas.py", "-k", f"test_afirmacoes or {casos}"], cwd=copia, env=ambiente,
                           capture_output=True, text=True, check=False)
    assert feito.returncode == 0, feito.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", feito.stdout)[1]) > 400
    assert [t.read_bytes() for t in tabelas] == antes
