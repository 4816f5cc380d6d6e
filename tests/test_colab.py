"""Como no Colab: uma pasta vazia com só o caderno, e o curso vindo por git de uma cópia local em lugar do GitHub."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RAIZ = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RAIZ / "ferramentas"))
import atualizar  # noqa: E402

ENDERECO = atualizar.AJUSTES["repositorio"]
CADERNOS = [*atualizar.licoes(), atualizar.PAGINA]
IDENTIDADE = ["-c", "user.name=curso", "-c", "user.email=curso@exemplo.br", "-c", "init.defaultBranch=" + atualizar.AJUSTES["ref"]]


def git(*argumentos, em):
    subprocess.run(["git", *IDENTIDADE, *argumentos], cwd=em, check=True, capture_output=True)


@pytest.fixture(scope="module")
def no_lugar_do_github(tmp_path_factory):
    """Um repositório com o capítulo como está agora na pasta, e não como estava no último commit."""
    pasta = tmp_path_factory.mktemp("github")
    lista = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=RAIZ, capture_output=True, text=True, check=False).stdout
    nomes = [n for n in lista.splitlines() if (RAIZ / n).is_file()] or [
        str(p.relative_to(RAIZ)) for p in (RAIZ / "04-gpt-do-zero").rglob("*") if p.is_file()]
    for nome in nomes:
        destino = pasta / nome
        destino.parent.mkdir(parents=True, exist_ok=True)
        destino.write_bytes((RAIZ / nome).read_bytes())
    git("init", "-q", em=pasta)
    git("add", "-A", em=pasta)
    git("commit", "-qm", "o curso", em=pasta)
    return pasta


def ambiente(pasta, repositorio):
    """As variáveis com que o git busca `repositorio` quando se pede o endereço do curso, e nada mais na rede."""
    ajustes = pasta.parent / f"{pasta.name}.gitconfig"
    ajustes.write_text(f'[url "{repositorio.as_uri()}"]\n\tinsteadOf = {ENDERECO}\n', encoding="utf-8")
    fora = {"PYTHONPATH", "GIT_DIR", "GIT_WORK_TREE"}
    return {k: v for k, v in os.environ.items() if k not in fora} | {"GIT_CONFIG_GLOBAL": str(ajustes), "GIT_TERMINAL_PROMPT": "0"}


def preparar(pasta, repositorio, depois=""):
    """Roda a célula de preparação duas vezes numa pasta, como quem clica nela de novo."""
    pasta.mkdir(exist_ok=True)
    codigo = f"{atualizar.PREPARACAO}\n{atualizar.PREPARACAO}\n{depois}"
    return subprocess.run([sys.executable, "-c", codigo], cwd=pasta, capture_output=True, text=True, encoding="utf-8",
                          env=ambiente(pasta, repositorio) | {"PYTHONUTF8": "1"}, check=False)


@pytest.mark.lento
def test_numa_pasta_vazia_o_curso_vem_uma_vez_e_serve(tmp_path, no_lugar_do_github):
    depois = "import gptmini; print(gptmini.__file__); print(sum('04-gpt-do-zero' in p for p in sys.path))"
    saida = preparar(tmp_path / "conteúdo do colab", no_lugar_do_github, depois)
    assert saida.returncode == 0, saida.stderr
    onde, quantas = saida.stdout.split("\n")[:2]
    assert ENDERECO.rsplit("/", 1)[-1] in onde and quantas == "1"


@pytest.mark.parametrize("caso", ["sem-gptmini", "ramo-errado", "sem-repositorio", "copia-pela-metade"])
def test_quando_o_curso_nao_vem_uma_frase_diz_o_que_fazer(caso, tmp_path, no_lugar_do_github):
    repositorio, pasta = tmp_path / "outro", tmp_path / "colab"
    pasta.mkdir()
    if caso != "sem-repositorio":
        repositorio.mkdir()
        git("init", "-q", em=repositorio)
        (repositorio / "LEIA-ME.md").write_text("outra coisa", encoding="utf-8")
        git("add", "-A", em=repositorio)
        git("commit", "-qm", "outra coisa", em=repositorio)
    if caso == "ramo-errado":
        git("branch", "-m", "antigo", em=repositorio)
    if caso == "copia-pela-metade":
        repositorio = no_lugar_do_github
        (pasta / ENDERECO.rsplit("/", 1)[-1]).mkdir()
        (pasta / ENDERECO.rsplit("/", 1)[-1] / "resto").touch()
    saida = preparar(pasta, repositorio)
    assert saida.returncode == 1 and "Traceback" not in saida.stderr
    ultima = saida.stderr.strip().splitlines()[-1]
    assert "O módulo do curso não veio" in ultima and "rode esta célula outra vez" in ultima


@pytest.mark.parametrize("caderno", CADERNOS, ids=lambda c: c.stem)
def test_nada_se_instala_por_cima_do_que_o_colab_tem(caderno):
    codigo = "\n".join("".join(c["source"]) for c in json.loads(caderno.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code")
    linhas = [linha.strip() for linha in codigo.splitlines()]
    assert not [linha for linha in linhas if linha.startswith(("!", "%pip", "%conda")) or "pip\", \"install" in linha]


@pytest.mark.lento
@pytest.mark.parametrize("caderno", [c for c in CADERNOS if c.name[:2] in ("00", "01", "02", "03", "04", "08")], ids=lambda c: c.stem)
def test_o_caderno_sozinho_roda_do_comeco_ao_fim(caderno, tmp_path, no_lugar_do_github):
    import nbformat
    from nbclient import NotebookClient

    antes, variaveis = dict(os.environ), ambiente(tmp_path, no_lugar_do_github)
    lido = nbformat.read(caderno, 4)
    try:
        os.environ.clear()
        os.environ.update(variaveis)
        NotebookClient(lido, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    finally:
        os.environ.clear()
        os.environ.update(antes)
    assert (tmp_path / ENDERECO.rsplit("/", 1)[-1] / "04-gpt-do-zero" / "gptmini").is_dir()
