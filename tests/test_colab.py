"""Como no Colab: uma pasta vazia com só o caderno, e o curso vindo por git de uma cópia local em lugar do GitHub."""

import ast
import builtins
import json
import os
import subprocess
import sys

import pytest

import atualizar
from cadernos import RAIZ, caderno_de, licoes

ENDERECO = atualizar.AJUSTES["repositorio"]
NOME = ENDERECO.rsplit("/", 1)[-1]
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


def ambiente(pasta, repositorio, endereco=ENDERECO):
    """As variáveis com que o git busca `repositorio` quando se pede o endereço do curso, e nada mais na rede."""
    ajustes = pasta.parent / f"{pasta.name}.gitconfig"
    ajustes.write_text(f'[url "{repositorio.as_uri()}"]\n\tinsteadOf = {endereco}\n', encoding="utf-8")
    fora = {"PYTHONPATH", "GIT_DIR", "GIT_WORK_TREE", "GIT_TERMINAL_PROMPT"}
    return {k: v for k, v in os.environ.items() if k not in fora} | {"GIT_CONFIG_GLOBAL": str(ajustes)}


def preparar(pasta, repositorio, depois="", preparacao=atualizar.PREPARACAO, **variaveis):
    """Roda a célula de preparação duas vezes numa pasta, como quem clica nela de novo."""
    pasta.mkdir(exist_ok=True)
    codigo = f"{preparacao}\n{preparacao}\n{depois}"
    return subprocess.run([sys.executable, "-c", codigo], cwd=pasta, capture_output=True, text=True, encoding="utf-8",
                          env=ambiente(pasta, repositorio) | {"PYTHONUTF8": "1"} | variaveis, check=False)


def test_a_celula_cabe_em_dez_linhas_e_nao_importa_o_torch():
    linhas = (RAIZ / "ferramentas" / "preparacao.py").read_text(encoding="utf-8").splitlines()
    assert len(linhas) <= 10 and max(map(len, linhas)) <= 140 and "torch" not in atualizar.PREPARACAO


@pytest.mark.lento
def test_numa_pasta_vazia_o_curso_vem_uma_vez_e_serve(tmp_path, no_lugar_do_github):
    depois = "import gptmini; print(gptmini.__file__); print(sum('04-gpt-do-zero' in p for p in sys.path), os.environ['GOMP_SPINCOUNT'])"
    saida = preparar(tmp_path / "conteúdo do colab", no_lugar_do_github, depois)
    assert saida.returncode == 0 and saida.stderr == "", saida.stderr
    onde, quantas = saida.stdout.split("\n")[:2]
    assert NOME in onde and quantas == "1 2000"


def so_o_capitulo(casa):
    """O curso como a preparação o reconhece, sem o torch: aqui só se vê de onde vem cada coisa."""
    for parte, texto in (("gptmini", ""), ("apoio", "import gptmini")):
        (casa / "04-gpt-do-zero" / parte).mkdir(parents=True)
        (casa / "04-gpt-do-zero" / parte / "__init__.py").write_text(texto, encoding="utf-8")
    aviso = atualizar.CAPITULO / "apoio" / "aviso.py"
    (casa / "04-gpt-do-zero" / "apoio" / "aviso.py").write_bytes(aviso.read_bytes())
    return casa


def no_curso_da_versao(casa, versao):
    so_o_capitulo(casa)
    (casa / "pyproject.toml").write_text(f'[tool.curso]\nversao = "{versao}"\nref = "main"\n[tool.outro]\nversao = "9"\n', encoding="utf-8")
    return casa


DE_ONDE = "import gptmini; print(gptmini.__file__); print(sys.path[0])"


@pytest.mark.parametrize("aluno", ["meu-curso/04-gpt-do-zero", "04-gpt-do-zero", ".", "uma/pasta/funda"])
def test_o_gptmini_que_se_importa_e_o_do_curso_e_nao_um_plantado_no_caminho(aluno, tmp_path):
    casa = so_o_capitulo(tmp_path / "curso")
    pasta = casa / aluno
    pasta.mkdir(parents=True, exist_ok=True)
    plantado = "raise SystemExit('importou o plantado')"
    for lugar in {pasta, pasta.parent, casa} - {casa / "04-gpt-do-zero"}:
        (lugar / "gptmini").mkdir()
        (lugar / "gptmini" / "__init__.py").write_text(plantado, encoding="utf-8")
    (pasta / "apoio.py").write_text(plantado, encoding="utf-8")
    saida = preparar(pasta, tmp_path / "ninguém", DE_ONDE, PYTHONPATH=str(casa))
    assert saida.returncode == 0, saida.stderr
    assert saida.stdout.split("\n")[:2] == [str(casa / "04-gpt-do-zero" / "gptmini" / "__init__.py"), str(casa / "04-gpt-do-zero")]


def test_uma_copia_do_capitulo_com_outro_nome_tambem_serve(tmp_path):
    """Como num servidor, em que cada aluno tem a pasta do capítulo como «aulas»."""
    aulas = (so_o_capitulo(tmp_path / "curso") / "04-gpt-do-zero").rename(tmp_path / "aulas")
    saida = preparar(aulas, tmp_path / "ninguém", DE_ONDE)
    assert saida.returncode == 0 and saida.stdout.split("\n")[1] == str(aulas), saida.stderr


@pytest.mark.parametrize("falta", ["gptmini/__init__.py", "apoio/aviso.py"])
def test_um_gptmini_sem_o_resto_do_curso_nao_serve(falta, tmp_path):
    casa = so_o_capitulo(tmp_path / NOME)
    (casa / "04-gpt-do-zero" / falta).unlink()
    saida = preparar(tmp_path, tmp_path / "ninguém", DE_ONDE)
    assert saida.returncode == 1 and f"{casa}, nem veio de {ENDERECO}" in frase(saida) and "mude o nome dessa pasta e rode" in frase(saida)
    assert (casa / "04-gpt-do-zero").is_dir()           # nunca apagamos o que é dele


def frase(saida):
    """A única frase que se lê: sem traceback e, quando é o git que falha, depois do que ele disse."""
    assert "Traceback" not in saida.stderr
    return saida.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(("caso", "conselho"), [("sem-o-capitulo", "mude o nome dessa pasta"), ("ramo-errado", "confira a internet e o endereço"),
                                                ("sem-repositorio", "confira a internet e o endereço"), ("copia-pela-metade", "mude o nome dessa pasta"),
                                                ("sem-git", "instale o git (ou use o ZIP)")])
def test_quando_o_curso_nao_vem_uma_frase_diz_o_que_fazer(caso, conselho, tmp_path, no_lugar_do_github):
    repositorio, pasta, variaveis = tmp_path / "outro", tmp_path / "colab", {}
    pasta.mkdir()
    if caso in ("sem-o-capitulo", "ramo-errado"):
        repositorio.mkdir()
        git("init", "-q", em=repositorio)
        (repositorio / "LEIA-ME.md").write_text("outra coisa", encoding="utf-8")
        git("add", "-A", em=repositorio)
        git("commit", "-qm", "outra coisa", em=repositorio)
    if caso == "ramo-errado":
        git("branch", "-m", "antigo", em=repositorio)
    if caso == "copia-pela-metade":
        repositorio = no_lugar_do_github
        (pasta / NOME).mkdir()
        (pasta / NOME / "resto").touch()
    if caso == "sem-git":
        repositorio, variaveis = no_lugar_do_github, {"PATH": str(tmp_path)}
    saida = preparar(pasta, repositorio, **variaveis)
    assert saida.returncode == 1
    assert frase(saida) == (f"O curso não está em {pasta / NOME}, nem veio de {ENDERECO} ({atualizar.AJUSTES['ref']}): {conselho} "
                            "e rode esta célula outra vez.")
    assert caso != "copia-pela-metade" or (pasta / NOME / "resto").exists()


@pytest.mark.skipif(os.name == "nt", reason="o git de mentira é um programa do sh")
def test_o_git_nunca_para_a_espera_de_uma_senha(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text('#!/bin/sh\necho "$GIT_TERMINAL_PROMPT<${GIT_ASKPASS-sem}>" "$@" > pedido\n', encoding="utf-8")
    (tmp_path / "bin" / "git").chmod(0o755)
    preparar(tmp_path / "colab", tmp_path, PATH=str(tmp_path / "bin"))
    pedido = (tmp_path / "colab" / "pedido").read_text(encoding="utf-8").split()
    assert pedido[:4] == ["0<>", "-c", "credential.helper=", "clone"] and pedido[pedido.index("-b") + 1] == atualizar.AJUSTES["ref"] and ENDERECO in pedido


@pytest.mark.parametrize(("versao", "dito"), [
    ("0.1.0", "mais velho que este notebook"), ("99.0", "abra a lição nova"), (atualizar.AJUSTES["versao"], None), (None, None)])
def test_um_curso_de_outra_versao_e_avisado_e_fica_onde_esta(versao, dito, tmp_path):
    casa = tmp_path / "colab" / NOME
    so_o_capitulo(casa) if versao is None else no_curso_da_versao(casa, versao)
    saida = preparar(tmp_path / "colab", tmp_path / "ninguém", DE_ONDE)
    assert saida.returncode == 0 and str(casa) in saida.stdout
    if dito is None:
        assert saida.stderr == ""
    else:
        assert dito in frase(saida) and str(casa) in frase(saida) and versao in frase(saida) and atualizar.AJUSTES["versao"] in frase(saida)


# ---------------------------------------------------------------- o fork de quem ensina

FORK = "https://github.com/ana-lu/gpt.da-turma"
# O lançador do fork, com o Python daqui no lugar do ambiente que ele instalaria.
LANCADOR = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import curso
curso.preparar, curso.python_do_ambiente = lambda *_: None, lambda: sys.executable
sys.exit(curso.entrada(sys.argv[1:]))
"""


def no_fork(fork, *argumentos):
    return subprocess.run([sys.executable, "-c", LANCADOR, str(fork), "endereco", *argumentos], capture_output=True, text=True, encoding="utf-8",
                          env=ambiente(fork, fork, FORK) | {"PYTHONUTF8": "1"}, check=False)


@pytest.fixture(scope="module")
def fork(no_lugar_do_github, tmp_path_factory):
    """Um clone com o «origin» do fork, em que só se rodou «curso.py endereco»; devolve também o que o comando disse."""
    pasta = tmp_path_factory.mktemp("da professora") / "curso"
    git("clone", "-q", str(no_lugar_do_github), str(pasta), em=pasta.parent)
    git("remote", "set-url", "origin", "git@github.com:ana-lu/gpt.da-turma.git", em=pasta)
    feito = no_fork(pasta)
    assert feito.returncode == 0, feito.stderr
    git("commit", "-qam", "o endereço do fork", em=pasta)
    return pasta, feito.stdout


@pytest.mark.lento
def test_depois_de_um_comando_nada_no_fork_leva_ao_endereco_antigo(fork):
    pasta, dito = fork
    arquivos = subprocess.run(["git", "ls-files"], cwd=pasta, capture_output=True, text=True, check=True).stdout.splitlines()
    textos = {nome: (pasta / nome).read_bytes().decode("utf-8", "replace") for nome in arquivos}
    dono = ENDERECO.removeprefix("https://github.com/")
    # A licença fica: o crédito é de quem fez o curso.
    assert {nome for nome, texto in textos.items() if dono in texto} <= {"LICENSE-textos"} < textos.keys()
    assert f"git clone {FORK} " in textos["README.md"] and f"{FORK}/issues/new" in textos["README.md"]
    for caderno in CADERNOS:
        nome = caderno.relative_to(RAIZ).as_posix()
        ref = atualizar.AJUSTES["ref"]
        assert f"https://colab.research.google.com/github/ana-lu/gpt.da-turma/blob/{ref}/{nome}" in textos[nome]
        assert json.dumps(f'REPOSITORIO, REF, VERSAO, CAPITULO = "{FORK}", "{ref}",')[1:-1] in textos[nome]
        assert caderno == atualizar.PAGINA or f"{FORK}/issues/new?title=" in textos[nome]
    assert "O curso agora está em " + FORK in dito and "git push" in dito and "Issues" in dito and "não consegui ver" not in dito


@pytest.mark.lento
def test_o_caderno_sozinho_do_fork_traz_o_fork(fork, tmp_path):
    celulas = json.loads((fork[0] / "04-gpt-do-zero" / "01-tensores-e-vetores.ipynb").read_text(encoding="utf-8"))["cells"]
    (preparacao,) = ["".join(c["source"]) for c in celulas if "preparacao" in c["metadata"].get("tags", [])]
    codigo = preparacao + "\nimport gptmini; print(gptmini.__file__)"
    saida = subprocess.run([sys.executable, "-c", codigo], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8",
                           env=ambiente(fork[0], fork[0], FORK) | {"PYTHONUTF8": "1"}, check=False)
    assert saida.returncode == 0 and saida.stdout.strip() == str(tmp_path / "gpt.da-turma" / "04-gpt-do-zero" / "gptmini" / "__init__.py"), saida.stderr
    assert FORK in (tmp_path / "gpt.da-turma" / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.lento
def test_ir_a_outro_servidor_e_voltar_deixa_tudo_como_estava(fork):
    pasta, _ = fork
    fora = no_fork(pasta, "https://git.escola.exemplo:8443/turma/a/curso.git", "--ref", "v2/noite")
    assert fora.returncode == 0 and "O Colab só abre o que está no GitHub" in fora.stdout and "sem senha" in fora.stdout
    leia_me, pagina = ((pasta / nome).read_text(encoding="utf-8") for nome in ("README.md", "04-gpt-do-zero/notebook.ipynb"))
    assert "git clone https://git.escola.exemplo:8443/turma/a/curso " in leia_me and "ana-lu" not in leia_me + pagina
    assert "https://colab.research.google.com/#04-gpt-do-zero/notebook.ipynb)" in pagina
    volta = no_fork(pasta, "github.com/ana-lu/gpt.da-turma/", "--ref", atualizar.AJUSTES["ref"])
    assert volta.returncode == 0, volta.stderr
    git("diff", "--exit-code", em=pasta)


# ---------------------------------------------------------------- os cadernos


@pytest.mark.parametrize("caderno", CADERNOS, ids=lambda c: c.stem)
def test_nada_se_instala_por_cima_do_que_o_colab_tem(caderno):
    codigo = "\n".join("".join(c["source"]) for c in json.loads(caderno.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code")
    linhas = [linha.strip() for linha in codigo.splitlines()]
    assert not [linha for linha in linhas if linha.startswith(("!", "%pip", "%conda")) or "pip\", \"install" in linha]


def nomes_de_fora(codigo):
    """Os nomes que o código usa e não cria em lugar nenhum."""
    nos = list(ast.walk(ast.parse(codigo)))
    criados = {no.id for no in nos if isinstance(no, ast.Name) and not isinstance(no.ctx, ast.Load)} | {no.arg for no in nos if isinstance(no, ast.arg)}
    criados |= {no.name for no in nos if isinstance(no, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler))}
    criados |= {(no.asname or no.name).partition(".")[0] for no in nos if isinstance(no, ast.alias)}
    return {no.id for no in nos if isinstance(no, ast.Name)} - criados - vars(builtins).keys()


@pytest.mark.parametrize("caderno", CADERNOS, ids=lambda c: c.stem)
def test_o_caderno_so_recebe_da_preparacao_o_curso_e_nenhum_nome(caderno):
    """Assim a célula de preparação pode mudar sem que uma lição quebre."""
    celulas = json.loads(caderno.read_text(encoding="utf-8"))["cells"]
    codigo = "\n".join("".join(c["source"]) for c in celulas if c["cell_type"] == "code" and "preparacao" not in c["metadata"].get("tags", []))
    assert nomes_de_fora(codigo) <= {"get_ipython", "display"}
    assert nomes_de_fora("import os\nprint(os, curso)") == {"curso"}


# As que treinam de verdade rodam uma vez só, pelo nbval; das outras, a 10 é a única demorada.
TREINAM = {caderno_de(id) for id in ("treino-059", "geracao-024", "turma-004", "laboratorio-052", "corrida-055")}
DEMORADA = caderno_de("gpt2-004")


@pytest.mark.lento
@pytest.mark.parametrize("caderno", [c for c in licoes() if c not in TREINAM], ids=lambda c: c.stem)
def test_o_caderno_sozinho_roda_sem_as_conferencias_e_outra_vez(caderno, tmp_path, no_lugar_do_github):
    """Numa pasta vazia, com o curso vindo do git, e sem as células que se podem pular; depois, tudo outra vez no mesmo kernel."""
    import nbformat
    from nbclient import NotebookClient

    antes, variaveis = dict(os.environ), ambiente(tmp_path, no_lugar_do_github)
    lido = nbformat.read(caderno, 4)
    lido.cells = [c for c in lido.cells if "conferencia" not in c.metadata.get("tags", [])]
    cliente = NotebookClient(lido, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    try:
        os.environ.clear()
        os.environ.update(variaveis)
        with cliente.setup_kernel():
            for _ in range(1 if caderno == DEMORADA else 2):
                for i, celula in enumerate(lido.cells):
                    cliente.execute_cell(celula, i)          # um erro em qualquer célula levanta CellExecutionError
    finally:
        os.environ.clear()
        os.environ.update(antes)
    assert (tmp_path / NOME / "04-gpt-do-zero" / "gptmini").is_dir()
