"""O lançador: o que instala, o que nunca toca, e a frase de cada falha. Sem rede."""

import ast
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import tomllib
import zipfile
from pathlib import Path

import curso
import pytest
from ferramentas import endereco, kit

REPOSITORIO = Path(curso.__file__).parent
EM_PARALELO = ["-n", str(os.cpu_count() or 1), "--dist", "loadfile"]
COLAB = "https://colab.research.google.com/github/"

# Trechos de saídas verdadeiras do pip e do venv.
SEM_REDE = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError: "
    "Failed to establish a new connection: [Errno -2] Name or service not known'\n"
    "ERROR: Could not find a version that satisfies the requirement torch==2.13.0\n"
    "ERROR: No matching distribution found for torch==2.13.0\n"
)
SEM_VERSAO = (
    "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 "
    "(from versions: none)\nERROR: No matching distribution found for torch==2.13.0\n"
)
# Com um servidor HTTPS de certificado próprio, no lugar do índice.
CERTIFICADO = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(SSLCertVerificationError(1, "
    "'[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {} (_ssl.c:1006)'))': /simple/torch/\n"
    "Could not fetch URL https://pypi.org/simple/torch/: There was a problem confirming the ssl certificate\n"
    "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)\n"
    "ERROR: No matching distribution found for torch==2.13.0\n"
)
SEM_ESPACO = (
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
)
SEM_PERMISSAO = (
    "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'\n"
)


class Maquina:
    """Faz as vezes do venv e do pip: anota o que rodou e responde o que o teste combinou."""

    def __init__(self):
        self.rodados = []
        self.respostas = {}
        self.versao = None

    def executar(self, comando):
        linha = " ".join(comando)
        self.rodados.append(linha)
        for trecho, resposta in self.respostas.items():
            if trecho in linha:
                return resposta
        if "-m venv" in linha:
            self.versao = "3.11"
        return 0, ""

    def rodou(self, trecho):
        return [linha for linha in self.rodados if trecho in linha]


@pytest.fixture
def raiz(tmp_path, monkeypatch):
    """Uma cópia mínima do curso, num caminho com espaço e acento."""
    pasta = tmp_path / "Área de Trabalho" / "curso"
    listas = (curso.PACOTES, curso.PACOTES_DOS_TESTES)
    for arquivo in ("pyproject.toml", *listas, *map(curso.trava, listas)):
        (pasta / arquivo).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORIO / arquivo, pasta / arquivo)
    (pasta / "04-gpt-do-zero").mkdir()
    monkeypatch.setattr(curso, "RAIZ", pasta)
    monkeypatch.setattr(curso, "AMBIENTE", pasta / ".venv")
    monkeypatch.setattr(curso, "MEU_CURSO", pasta / "meu-curso")
    monkeypatch.setattr(curso, "KIT", {})
    return pasta


@pytest.fixture
def maquina(raiz, monkeypatch):
    """Um Linux de 64 bits, sem placa NVIDIA, em que tudo dá certo."""
    falsa = Maquina()
    monkeypatch.setattr(curso, "executar", falsa.executar)
    monkeypatch.setattr(curso, "versao_do_ambiente", lambda: falsa.versao)
    monkeypatch.setattr(curso, "tem_placa_nvidia", lambda: False)
    monkeypatch.setattr(curso, "WINDOWS", False)
    monkeypatch.setattr(curso.sys, "platform", "linux")
    monkeypatch.setattr(curso.platform, "machine", lambda: "x86_64")
    return falsa


def frase(capsys):
    """O que foi para a saída de erro: tem de ser uma só linha, sem traceback."""
    texto = capsys.readouterr().err.strip()
    assert "Traceback" not in texto
    assert len(texto.splitlines()) == 1
    return texto


def entrar(*argumentos):
    """Roda o lançador sem pôr a mão na codificação da saída, que aqui é do pytest."""
    return curso.entrada(list(argumentos))


# ---------------------------------------------------------------- o arquivo


def test_um_python_3_6_consegue_ler_o_lancador():
    texto = (REPOSITORIO / "curso.py").read_text(encoding="utf-8")
    ast.parse(texto, feature_version=(3, 6))
    with pytest.raises(SyntaxError):  # prova que o feature_version confere alguma coisa
        ast.parse("(x := 1)", feature_version=(3, 6))


@pytest.mark.parametrize("arquivo", ["curso.py", "ferramentas/kit.py", "ferramentas/endereco.py"])
def test_o_lancador_so_importa_a_biblioteca_padrao(arquivo):
    arvore = ast.parse((REPOSITORIO / arquivo).read_text(encoding="utf-8"))
    nomes = {
        apelido.name
        for no in ast.walk(arvore)
        if isinstance(no, ast.Import)
        for apelido in no.names
    }
    nomes |= {no.module for no in ast.walk(arvore) if isinstance(no, ast.ImportFrom)}
    assert "os" in nomes
    assert {nome.partition(".")[0] for nome in nomes} <= sys.stdlib_module_names | {"curso"}


def test_o_que_so_um_comando_usa_vem_de_ferramentas_e_fala_como_o_lancador(raiz):
    for nome in ("curso.py", "ferramentas/kit.py"):
        (raiz / nome).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORIO / nome, raiz / nome)
    (raiz / "stat.py").write_text("raise SystemExit('importou o do aluno')", encoding="utf-8")

    def dito():
        return subprocess.run([sys.executable, raiz / "curso.py", "kit", raiz / "x"], capture_output=True, text=True).stderr.strip()

    assert dito().startswith("O kit não pode ficar dentro do próprio curso") and len(dito().splitlines()) == 1
    (raiz / "ferramentas" / "kit.py").unlink()
    assert dito().startswith("A cópia do curso está incompleta (falta ferramentas/kit.py)")


def test_a_configuracao_lida_e_a_do_pyproject():
    oficial = tomllib.loads((REPOSITORIO / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["curso"]
    assert {"versao", "repositorio", "ref", "capitulo"} <= curso.configuracao().keys()
    assert curso.configuracao() == {chave: oficial[chave] for chave in curso.configuracao()}


def test_o_link_do_colab_vem_da_configuracao(raiz):
    (raiz / "pyproject.toml").write_text(
        '[tool.curso]\nrepositorio = "https://github.com/ana/curso"\nref = "v2"\n'
        'capitulo = "04-x"\n[tool.outro]\nref = "errado"\n',
        encoding="utf-8",
    )
    assert curso.link_do_colab() == COLAB + "ana/curso/blob/v2/04-x/notebook.ipynb"


def test_o_ci_roda_o_comando_dos_testes():
    linhas = (REPOSITORIO / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert linhas[-1] == "python3 curso.py testes"
    assert (REPOSITORIO / ".ci" / "run").stat().st_mode & 0o111


def test_as_versoes_dos_pacotes_estao_fixas():
    for lista in (curso.PACOTES, curso.PACOTES_DOS_TESTES):
        linhas = (REPOSITORIO / lista).read_text(encoding="utf-8").splitlines()
        pacotes = [linha for linha in linhas if not linha.startswith("#")]
        assert pacotes and all(linha.count("==") == 1 for linha in pacotes)


# ---------------------------------------------------------------- linha de comando


@pytest.mark.parametrize("argumentos", [[], ["-h"], ["aula", "-h"], ["testes", "-h"]])
def test_a_ajuda_esta_em_portugues(argumentos, capsys):
    try:
        codigo = entrar(*argumentos)
    except SystemExit as saida:
        codigo = saida.code
    texto = capsys.readouterr().out
    assert codigo == 0
    assert texto.startswith("uso: curso.py")
    assert "mostra esta ajuda e sai" in texto
    for ingles in ("usage", "options", "positional", "show this"):
        assert ingles not in texto


@pytest.mark.parametrize(
    ("argumentos", "esperado"),
    [
        (["aulas"], "não há 'aulas'"),
        (["testes", "--rapido"], "argumento desconhecido: --rapido"),
        (["testes", "--rapidos=3"], "não leva valor"),
        (["-x"], "argumento desconhecido: -x"),
        (["kit"], "falta dizer PASTA"),
        (["aula", "--de"], "pede um valor"),
    ],
)
def test_um_comando_errado_e_explicado_em_portugues(argumentos, esperado, capsys):
    with pytest.raises(SystemExit) as saida:
        entrar(*argumentos)
    texto = capsys.readouterr().err
    assert saida.value.code == 2
    assert esperado in texto
    assert not any(ingles in texto for ingles in ("error", "invalid", "required", "expected"))


@pytest.fixture
def rodado(monkeypatch):
    """O comando que seria entregue ao terminal, com o ambiente dado como pronto."""
    chamadas = []
    monkeypatch.setattr(curso, "preparar_ambiente", lambda *listas: chamadas.append(listas))
    monkeypatch.setattr(
        curso, "rodar", lambda comando, pasta, **variaveis: chamadas.append((comando, pasta)) or 7
    )
    return chamadas


def test_a_suite_inteira_inclui_os_notebooks(raiz, rodado):
    assert entrar("testes", "--", "-k", "curso") == 7
    listas, (comando, pasta) = rodado
    assert listas == (curso.PACOTES, curso.PACOTES_DOS_TESTES)
    assert comando == ["-m", "pytest", "--nbval", "tests", "04-gpt-do-zero", *EM_PARALELO, "-k", "curso"]
    assert pasta == raiz


def test_os_rapidos_deixam_de_fora_os_lentos_e_os_notebooks(raiz, rodado):
    assert entrar("testes", "--rapidos") == 7
    assert rodado[1][0] == ["-m", "pytest", "-m", "not lento", "tests", *EM_PARALELO]


@pytest.mark.lento
def test_sem_teste_para_rodar_a_suite_nao_passa(raiz, monkeypatch):
    (raiz / "tests" / "test_nada.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(curso, "preparar_ambiente", lambda *listas: None)
    monkeypatch.setattr(curso, "python_do_ambiente", lambda: sys.executable)
    monkeypatch.setattr(curso.signal, "signal", lambda *_: None)
    assert entrar("testes", "--rapidos", "--", "-q", "-p", "no:cacheprovider") == 5


def test_a_aula_abre_o_jupyter_na_pasta_do_aluno(raiz, rodado):
    assert entrar("aula", "--sem-navegador", "--", "--port", "9999") == 7
    listas, (comando, pasta) = rodado
    assert listas == (curso.PACOTES,)
    assert comando[:3] == ["-P", "-m", "jupyterlab"]
    assert "--no-browser" in comando and comando[-2:] == ["--port", "9999"]
    assert pasta == raiz / "meu-curso" / "04-gpt-do-zero" and pasta.is_dir()


def test_a_aula_abre_o_navegador_se_nada_se_diz(raiz, rodado):
    entrar("aula")
    assert "--no-browser" not in rodado[1][0]


@pytest.mark.parametrize("nome", ["capitulo", "atualizar"])
def test_os_argumentos_seguem_para_a_ferramenta(nome, raiz, rodado):
    assert entrar(nome, "--passos", "10", "--", "x") == 7
    assert rodado[1][0] == [str(raiz / "ferramentas" / f"{nome}.py"), "--passos", "10", "x"]


def test_treinar_recebe_tudo_e_roda_na_pasta_de_quem_chama(raiz, rodado, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert entrar("treinar", "--saida", "x", "-h") == 7
    listas, (comando, pasta) = rodado
    assert listas == (curso.PACOTES,) and Path(pasta) == tmp_path
    assert comando[:2] == ["-P", "-c"] and comando[3:] == [str(raiz / "04-gpt-do-zero"), "--saida", "x", "-h"]


def test_treinar_acha_o_modulo_do_curso_e_nao_o_do_aluno(raiz, tmp_path):
    modulo = raiz / "04-gpt-do-zero" / "apoio"
    modulo.mkdir()
    (modulo / "__init__.py").touch()
    (modulo / "treinar.py").write_text("import sys, os, random; print(sys.argv[1:], os.getcwd(), random.random)", encoding="utf-8")
    aluno = tmp_path / "do aluno"
    aluno.mkdir()
    for nome in ("apoio.py", "gptmini.py", "random.py", "runpy.py"):
        (aluno / nome).write_text("raise SystemExit('importou o do aluno')", encoding="utf-8")
    comando = [sys.executable, "-P", "-c", curso.TREINAR, str(modulo.parent), "--saida", "x"]
    feito = subprocess.run(comando, cwd=aluno, env=curso.variaveis(), capture_output=True, text=True)
    assert feito.stdout.startswith(f"['--saida', 'x'] {aluno} <"), feito.stderr


@pytest.mark.parametrize("nome", ["random", "json", "signal"])
def test_um_arquivo_do_aluno_com_nome_de_biblioteca_nao_para_o_lancador(nome, raiz):
    shutil.copy(REPOSITORIO / "curso.py", raiz)
    (raiz / f"{nome}.py").write_text("raise SystemExit('importou o do aluno')", encoding="utf-8")
    feito = subprocess.run([sys.executable, raiz / "curso.py", "-h"], capture_output=True, text=True)
    assert feito.returncode == 0, feito.stderr


def test_a_espera_dos_nucleos_e_curta_e_a_do_aluno_fica(monkeypatch):
    for nome in ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(nome, raising=False)
    assert (curso.variaveis()["GOMP_SPINCOUNT"], curso.variaveis()["KMP_BLOCKTIME"]) == ("2000", "0")
    monkeypatch.setenv("GOMP_SPINCOUNT", "9")
    assert (curso.variaveis()["GOMP_SPINCOUNT"], curso.variaveis()["KMP_BLOCKTIME"]) == ("9", "0")
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert not {"GOMP_SPINCOUNT", "KMP_BLOCKTIME"} & curso.variaveis().keys()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="só onde há /dev/full")
@pytest.mark.parametrize("saida", ["> /dev/full", "| true", ">&-"])
def test_a_saida_que_se_fecha_nao_vira_traceback(saida):
    comando = f"'{sys.executable}' '{REPOSITORIO / 'curso.py'}' -h {saida}"
    feito = subprocess.run(comando, shell=True, capture_output=True, text=True)
    assert not {"Traceback", "Exception"} & set(feito.stderr.split())


def test_o_capitulo_nao_ignora_uma_opcao_em_silencio():
    feito = subprocess.run([sys.executable, REPOSITORIO / "ferramentas" / "capitulo.py", "--passos", "3"], capture_output=True, text=True)
    assert feito.returncode == 1 and "não recebe opções, e veio --passos 3" in feito.stderr


# ---------------------------------------------------------------- um de cada vez, e nada pela metade

NINHO = """
import os, sys, time
sys.path.insert(0, {repositorio!r})
import curso
from pathlib import Path
curso.RAIZ = Path({raiz!r})
curso.AMBIENTE, curso.MEU_CURSO = curso.RAIZ / ".venv", curso.RAIZ / "meu-curso"
curso.conferir_computador = curso.conferir_disco = lambda: None
curso.rodar = lambda *_: 0
curso.versao_do_ambiente = lambda: "3.11" if (curso.AMBIENTE / "pyvenv.cfg").exists() else None
"""
PIP_LENTO = """
def executar(comando):
    ocupado = curso.AMBIENTE / "ocupado"
    ocupado.mkdir()                     # falha, se outro está instalando ao mesmo tempo
    time.sleep(0.05)
    ocupado.rmdir()
    if "venv" in comando:
        (curso.AMBIENTE / "pyvenv.cfg").touch()
    return 0, ""
curso.executar = executar
"""


def outro_processo(raiz, programa, **opcoes):
    """Um Python à parte, com o lançador apontado para a cópia mínima do curso."""
    inicio = NINHO.format(repositorio=str(REPOSITORIO), raiz=str(raiz))
    return subprocess.Popen([sys.executable, "-c", inicio + programa], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **opcoes)


def test_duas_aulas_ao_mesmo_tempo_esperam_uma_pela_outra(raiz):
    (raiz / "04-gpt-do-zero" / "00-a.ipynb").write_bytes(notebook("um"))
    duas = [outro_processo(raiz, PIP_LENTO + "sys.exit(curso.entrada(['aula']))") for _ in range(2)]
    saidas = [processo.communicate()[0] for processo in duas]
    assert [processo.returncode for processo in duas] == [0, 0], saidas
    assert sum("espero ele acabar" in saida for saida in saidas) == 1
    assert conteudo(raiz / "meu-curso" / "04-gpt-do-zero") == {"00-a.ipynb": notebook("um")}


def test_a_vez_de_um_processo_morto_passa_ao_seguinte(raiz):
    preso = outro_processo(raiz, "with curso.um_por_vez():\n    print('aqui', flush=True); time.sleep(60)")
    assert preso.stdout.readline() == "aqui\n"
    preso.kill()
    preso.communicate()
    inicio = time.time()
    with curso.um_por_vez():
        assert time.time() - inicio < 5


def test_um_disco_que_nao_segura_arquivos_nao_impede_a_aula(raiz, rodado, monkeypatch):
    def recusar(numero):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(curso, "segurar", recusar)
    assert entrar("aula") == 7


# O passo da instalação que este Python imita: diz que grava, e grava sem parar num arquivo, num processo neto.
PIP_TEIMOSO = """
import subprocess, sys, time
grava = "import sys, time\\nwhile True: open(sys.argv[1], 'a').write('x'); time.sleep(.005)"
print("Installing collected packages: torch", flush=True)
subprocess.run([sys.executable, "-c", grava, sys.argv[1]])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os sinais são os do Linux e do Mac")
@pytest.mark.parametrize(("sinal", "codigo"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_o_pip_nao_sobrevive_ao_lancador(sinal, codigo, raiz):
    curso.AMBIENTE.mkdir()
    (curso.AMBIENTE / "pyvenv.cfg").touch()
    gravado = raiz / "gravado"
    programa = (
        f"import signal; signal.signal(signal.SIGTERM, curso.encerrar)\n"
        f"curso.preparar_ambiente = lambda *_: curso.executar([sys.executable, '-c', {PIP_TEIMOSO!r}, {str(gravado)!r}, 'install'])\n"
        f"sys.exit(curso.entrada(['aula']))"
    )
    lancador = outro_processo(raiz, programa)
    esperar(lambda: gravado.exists() and gravado.stat().st_size)
    lancador.send_signal(sinal)
    saida = lancador.communicate()[0]
    assert lancador.returncode == codigo, saida
    assert sinal == signal.SIGKILL or saida.strip().splitlines()[-1].startswith("Interrompido.")
    with curso.um_por_vez():                # a vez só passa quando o pip já acabou
        tamanho = gravado.stat().st_size
    time.sleep(0.1)
    assert gravado.stat().st_size == tamanho
    assert curso.pela_metade().exists()     # o próximo comando refaz o ambiente


def esperar(pronto):
    limite = time.time() + 20
    while not pronto():
        assert time.time() < limite
        time.sleep(0.005)


def test_quem_so_baixava_e_foi_interrompido_nao_refaz_o_ambiente(raiz):
    curso.AMBIENTE.mkdir()
    curso.executar([sys.executable, "-c", "print('Collecting torch')", "install"])
    assert not curso.pela_metade().exists()
    curso.executar([sys.executable, "-c", "print('Installing collected packages: torch'); raise SystemExit(1)", "install"])
    assert curso.pela_metade().exists()


def test_o_que_o_pip_desembrulha_fica_no_disco_do_curso_e_sai_depois(raiz):
    curso.AMBIENTE.mkdir()
    _, saida = curso.executar([sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"])
    assert Path(saida.strip()).parent.parent == curso.AMBIENTE
    assert {p.name for p in curso.AMBIENTE.iterdir()} == {"instalacao.log"}


def test_gravar_troca_o_arquivo_inteiro_e_nao_deixa_sobra(tmp_path):
    arquivo = tmp_path / "a.json"
    curso.gravar(arquivo, b"velho")
    curso.gravar(arquivo, b"novo")
    assert conteudo(tmp_path) == {"a.json": b"novo"}
    assert arquivo.stat().st_mode & 0o777 == 0o666 & ~mascara()


def mascara():
    atual = os.umask(0)
    os.umask(atual)
    return atual


@pytest.mark.parametrize("vezes", [2, 99])
def test_um_antivirus_que_segura_o_arquivo(vezes, tmp_path, monkeypatch):
    tentativas, de_verdade = [], os.replace

    def segurado(de, para):
        tentativas.append(de)
        if len(tentativas) <= vezes:
            raise PermissionError(errno.EACCES, "Permission denied", de)
        de_verdade(de, para)

    arquivo = tmp_path / "a.json"
    arquivo.write_bytes(b"velho")
    monkeypatch.setattr(curso.os, "replace", segurado)
    monkeypatch.setattr(curso.time, "sleep", lambda _: None)
    if vezes == 2:
        curso.gravar(arquivo, b"novo")
        assert conteudo(tmp_path) == {"a.json": b"novo"}
    else:
        with pytest.raises(PermissionError):
            curso.gravar(arquivo, b"novo")
        assert conteudo(tmp_path) == {"a.json": b"velho"}


def test_com_o_disco_cheio_o_arquivo_velho_fica(tmp_path, monkeypatch):
    def cheio(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    arquivo = tmp_path / "a.json"
    arquivo.write_bytes(b"velho")
    monkeypatch.setattr(curso.os, "fsync", cheio)
    with pytest.raises(OSError, match="No space"):
        curso.gravar(arquivo, b"novo")
    assert conteudo(tmp_path) == {"a.json": b"velho"}


def test_dois_processos_gravando_o_mesmo_arquivo_nunca_falham(raiz):
    programa = "for i in range(100, 160): curso.gravar(curso.RAIZ / 'junto', b'%d' % i * 5000)"
    dois = [outro_processo(raiz, programa) for _ in range(2)]
    assert [(p.communicate()[0], p.returncode) for p in dois] == [("", 0), ("", 0)]
    assert (raiz / "junto").read_bytes() == b"159" * 5000
    assert not list(raiz.glob(".junto*"))


RUINS = [b"", b"[]", b"3", b"null", b"oi", b"\xff\xfe{", b"[" * 200_000,
         b'{"00-a.ipynb": [1], "python": 5, "requirements.txt": {}, "pythons": [1], "arquivos": 3}']


@pytest.mark.parametrize("ruim", RUINS, ids=range(len(RUINS)))
def test_um_arquivo_de_estado_estragado_e_refeito(ruim, aulas, maquina):
    _, minhas = aulas
    curso.preparar_ambiente(curso.PACOTES)
    (minhas / "00-a.ipynb").write_bytes(notebook("meu"))
    for arquivo in (curso.MEU_CURSO / ".origem.json", curso.carimbo()):
        arquivo.write_bytes(ruim)
    curso.preparar_ambiente(curso.PACOTES)
    curso.arrumar_meu_curso()
    assert (minhas / "00-a.ipynb").read_bytes() == notebook("meu")
    assert curso.ler_json(curso.carimbo())["python"] == "3.11"
    assert isinstance(curso.ler_json(curso.MEU_CURSO / ".origem.json")["00-a.ipynb"], dict)
    assert len(maquina.rodou("-m venv")) == 1         # um registro estragado não é motivo para refazer o ambiente


@pytest.mark.parametrize("lugar", ["meu-curso", "meu-curso/04-gpt-do-zero", "meu-curso/.origem.json", ".venv", ".venv/curso.json", "pyproject.toml"])
def test_uma_pasta_no_lugar_de_um_arquivo_e_o_contrario_acabam_numa_frase(lugar, raiz, maquina, monkeypatch, capsys):
    monkeypatch.setattr(curso, "rodar", lambda *_: 0)
    (raiz / "04-gpt-do-zero" / "00-a.ipynb").write_bytes(notebook("um"))
    arquivo = raiz / lugar
    if arquivo.suffix:
        if arquivo.exists():
            arquivo.unlink()
        arquivo.mkdir(parents=True)
        maquina.versao = "3.11" if ".venv" in lugar else None
    else:
        arquivo.parent.mkdir(exist_ok=True)
        arquivo.write_text("de alguém", encoding="utf-8")
    assert entrar("aula") == 1
    assert str(arquivo) in frase(capsys)
    assert arquivo.is_dir() or arquivo.read_text(encoding="utf-8") == "de alguém"


@pytest.mark.parametrize("texto", [b"", b"\x00\xff", b'[tool.curso]\nref = "main"\n', b'[tool.curso]\nrepositorio = ""\n'])
def test_um_pyproject_estragado_acaba_numa_frase(texto, raiz, maquina, capsys):
    (raiz / "pyproject.toml").write_bytes(texto)
    assert entrar("aula") == 1
    assert "pyproject.toml está estragado" in frase(capsys)


@pytest.mark.parametrize("tipo", ["atalho", "atalho quebrado", "pasta"])
def test_a_venv_de_outra_pessoa_nunca_e_apagada(tipo, raiz, maquina, tmp_path, capsys):
    alheia = tmp_path / "importante"
    if tipo != "atalho quebrado":
        alheia.mkdir()
        (alheia / "tese.txt").touch()
    if tipo == "pasta":
        shutil.copytree(alheia, curso.AMBIENTE)
    else:
        curso.AMBIENTE.symlink_to(alheia)
    assert entrar("aula") == 1
    assert str(curso.AMBIENTE) in frase(capsys)
    assert maquina.rodados == [] and os.path.lexists(curso.AMBIENTE)
    assert tipo == "atalho quebrado" or (curso.AMBIENTE / "tese.txt").exists()


def test_o_resto_de_uma_venv_apagada_pela_metade_sai_na_vez_seguinte(maquina, raiz):
    resto = raiz / "..venv.0a1b2c3d.lixo"
    resto.mkdir()
    curso.preparar_ambiente(curso.PACOTES)
    assert not resto.exists()


# ---------------------------------------------------------------- instalação


def test_na_primeira_vez_cria_o_ambiente_e_instala(maquina):
    curso.preparar_ambiente(curso.PACOTES)
    passos = ["-m venv", "--index-url " + curso.INDICE_DE_CPU, "--require-hashes", "torch==", "import torch"]
    assert len(maquina.rodados) == len(passos)
    assert all(passo in linha for passo, linha in zip(passos, maquina.rodados, strict=True))


def test_o_torch_vem_da_versao_fixada_e_sem_dependencias(maquina):
    curso.preparar_ambiente(curso.PACOTES)
    (linha,) = maquina.rodou("--index-url")
    assert linha.endswith(" torch==2.13.0") and "--no-deps" in linha


def test_a_segunda_chamada_nao_instala_nada(maquina):
    curso.preparar_ambiente(curso.PACOTES)
    maquina.rodados.clear()
    curso.preparar_ambiente(curso.PACOTES)
    assert maquina.rodados == []


def test_os_testes_acrescentam_so_a_sua_lista_e_depois_mais_nada(maquina):
    curso.preparar_ambiente(curso.PACOTES)
    maquina.rodados.clear()
    curso.preparar_ambiente(curso.PACOTES, curso.PACOTES_DOS_TESTES)
    (pip,) = maquina.rodou("--require-hashes")
    assert pip.count("-r ") == 2 and not maquina.rodou("-m venv")
    maquina.rodados.clear()
    curso.preparar_ambiente(curso.PACOTES, curso.PACOTES_DOS_TESTES)
    curso.preparar_ambiente(curso.PACOTES)
    assert maquina.rodados == []


def test_uma_lista_nova_instala_no_mesmo_ambiente(maquina, raiz):
    curso.preparar_ambiente(curso.PACOTES)
    maquina.rodados.clear()
    with open(raiz / curso.PACOTES, "a", encoding="utf-8") as lista:
        lista.write("tqdm==4.67.1\n")
    curso.preparar_ambiente(curso.PACOTES)
    assert maquina.rodou("-m pip") and not maquina.rodou("-m venv")


def test_uma_instalacao_interrompida_e_refeita_do_zero(maquina, capsys):
    curso.preparar_ambiente(curso.PACOTES)
    curso.pela_metade().touch()
    (curso.AMBIENTE / "sobra.txt").touch()
    maquina.rodados.clear()
    curso.preparar_ambiente(curso.PACOTES)
    assert maquina.rodou("-m venv")
    assert not (curso.AMBIENTE / "sobra.txt").exists()
    assert "refazendo" in capsys.readouterr().out


@pytest.mark.parametrize("versao", [None, "3.12"], ids=["nao-arranca", "outra-versao"])
def test_um_ambiente_de_outro_python_e_refeito(versao, maquina, capsys):
    curso.preparar_ambiente(curso.PACOTES)
    maquina.rodados.clear()
    maquina.versao = versao
    curso.preparar_ambiente(curso.PACOTES)
    assert maquina.rodou("-m venv") and maquina.rodou("-r ")
    assert "refazendo" in capsys.readouterr().out


def test_uma_falha_de_rede_nao_estraga_o_ambiente_que_ja_servia(maquina):
    curso.preparar_ambiente(curso.PACOTES)
    maquina.respostas["-m pip"] = (1, SEM_REDE)
    with pytest.raises(curso.Falha):
        curso.preparar_ambiente(curso.PACOTES, curso.PACOTES_DOS_TESTES)
    maquina.rodados.clear()
    curso.preparar_ambiente(curso.PACOTES)
    assert maquina.rodados == []


def test_um_torch_que_nao_carrega_nao_conta_como_instalado(maquina):
    maquina.respostas["import torch"] = (1, "OSError: [WinError 126] c10.dll")
    with pytest.raises(curso.Falha, match="vc_redist"):
        curso.preparar_ambiente(curso.PACOTES)
    assert not curso.carimbo().exists()


def test_sem_o_indice_de_cpu_usa_o_indice_configurado(maquina, capsys):
    maquina.respostas["--index-url"] = (1, SEM_REDE)
    curso.preparar_ambiente(curso.PACOTES)
    assert "não respondeu" in capsys.readouterr().out
    assert maquina.rodou("-r ") and curso.carimbo().exists()


def test_com_o_disco_cheio_nao_tenta_o_indice_maior(maquina):
    maquina.respostas["--index-url"] = (1, SEM_ESPACO)
    with pytest.raises(curso.Falha, match="espaço"):
        curso.preparar_ambiente(curso.PACOTES)
    assert not maquina.rodou("-r ")


@pytest.mark.parametrize("sistema", ["darwin", "win32"])
def test_fora_do_linux_o_torch_vem_com_os_outros_pacotes(sistema, maquina, monkeypatch):
    monkeypatch.setattr(curso.sys, "platform", sistema)
    monkeypatch.setattr(curso.platform, "machine", lambda: "arm64")
    curso.preparar_ambiente(curso.PACOTES)
    assert not maquina.rodou("--index-url") and maquina.rodou("-r ")


def test_com_placa_nvidia_o_torch_vem_com_os_outros_pacotes(maquina, monkeypatch):
    monkeypatch.setattr(curso, "tem_placa_nvidia", lambda: True)
    monkeypatch.setattr(curso, "conferir_disco", lambda: None)
    curso.preparar_ambiente(curso.PACOTES)
    assert not maquina.rodou("--index-url")


@pytest.mark.parametrize(
    ("pasta", "comando", "tem"),
    [(True, None, True), (False, "/usr/bin/nvidia-smi", True), (False, None, False)],
)
def test_a_placa_nvidia_e_vista_pela_pasta_ou_pelo_comando(pasta, comando, tem, monkeypatch):
    monkeypatch.setattr(curso.Path, "exists", lambda _: pasta)
    monkeypatch.setattr(curso.shutil, "which", lambda _: comando)
    assert curso.tem_placa_nvidia() is tem


def test_cada_passo_fica_no_registro_e_a_gravacao_deixa_a_marca(raiz, capsys):
    curso.AMBIENTE.mkdir()
    programa = (
        "print('  Downloading https://x/torch-2.13.0%2Bcpu-cp311.whl (191.8 MB)');"
        "print('Installing collected packages: torch');raise SystemExit(3)"
    )
    codigo, saida = curso.executar([sys.executable, "-c", programa])
    assert codigo == 3
    assert curso.registro().read_text(encoding="utf-8") == saida
    assert curso.pela_metade().exists()
    assert "baixando torch (191,8 MB)" in capsys.readouterr().out


def test_um_download_sozinho_nao_marca_o_ambiente(raiz):
    curso.AMBIENTE.mkdir()
    curso.executar([sys.executable, "-c", "print('Collecting torch')"])
    assert not curso.pela_metade().exists()


def test_a_versao_do_ambiente_e_perguntada_a_ele(raiz, monkeypatch):
    assert curso.versao_do_ambiente() is None
    monkeypatch.setattr(curso, "python_do_ambiente", lambda: sys.executable)
    assert curso.versao_do_ambiente() == "{}.{}".format(*sys.version_info[:2])


def test_os_comandos_nao_herdam_os_caminhos_de_outro_python(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/de/outro")
    monkeypatch.setenv("PYTHONHOME", "/de/outro")
    monkeypatch.setenv("PIP_TARGET", "/de/outro")
    variaveis = curso.variaveis()
    assert not {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET"} & variaveis.keys()
    assert variaveis["PYTHONUTF8"] == "1"


def test_a_saida_do_comando_e_a_do_lancador(monkeypatch):
    monkeypatch.setattr(curso, "python_do_ambiente", lambda: sys.executable)
    guardados = {sinal: signal.getsignal(sinal) for sinal in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert curso.rodar(["-c", "raise SystemExit(5)"], REPOSITORIO) == 5
    finally:
        for sinal, tratador in guardados.items():
            signal.signal(sinal, tratador)


@pytest.mark.skipif(
    Path(sys.prefix) != REPOSITORIO / ".venv", reason="só no ambiente que o lançador instalou"
)
@pytest.mark.lento
def test_nenhum_arquivo_instalado_passa_do_maior_caminho():
    pacotes = Path(sysconfig.get_path("purelib"))
    maior = max(len(str(arquivo.relative_to(pacotes))) for arquivo in pacotes.rglob("*"))
    # No Windows o nome da pasta do torch não leva o «+cpu».
    assert len(".venv\\Lib\\site-packages\\") + maior - len("+cpu") <= curso.MAIOR_CAMINHO


# ---------------------------------------------------------------- as falhas, cada uma numa frase


@pytest.mark.parametrize("nome", ["aula", "testes", "capitulo", "atualizar", "kit"])
def test_python_antigo(nome, maquina, monkeypatch, capsys):
    monkeypatch.setattr(curso.sys, "version_info", (3, 8, 10, "final", 0))
    assert entrar(nome) == 1
    texto = frase(capsys)
    assert "3.11" in texto and "3.8" in texto
    assert "python.org" in texto and COLAB in texto
    assert maquina.rodados == []


def test_python_de_32_bits(maquina, monkeypatch, capsys):
    monkeypatch.setattr(curso.sys, "maxsize", 2**31 - 1)
    assert entrar("aula") == 1
    texto = frase(capsys)
    assert "32 bits" in texto and COLAB in texto
    assert maquina.rodados == []


def test_mac_com_processador_intel(maquina, monkeypatch, capsys):
    monkeypatch.setattr(curso.sys, "platform", "darwin")
    assert entrar("aula") == 1
    texto = frase(capsys)
    assert "Intel" in texto and COLAB in texto
    assert maquina.rodados == []


def test_python_sem_o_modulo_venv(maquina, monkeypatch, capsys):
    monkeypatch.setattr(
        curso.importlib.util, "find_spec", lambda nome: None if nome == "ensurepip" else object()
    )
    assert entrar("aula") == 1
    versao = "{}.{}".format(*sys.version_info[:2])
    assert f"sudo apt install python{versao}-venv" in frase(capsys)
    assert maquina.rodados == []


def test_venv_que_se_queixa_do_ensurepip(maquina, capsys):
    maquina.respostas["-m venv"] = (1, "ensurepip is not available.")
    assert entrar("aula") == 1
    assert "sudo apt install" in frase(capsys)


@pytest.mark.parametrize(("longos", "codigo"), [(False, 1), (True, 0)])
def test_caminho_longo_demais_no_windows(longos, codigo, maquina, raiz, monkeypatch, capsys):
    monkeypatch.setattr(curso, "WINDOWS", True)
    monkeypatch.setattr(curso.sys, "platform", "win32")
    monkeypatch.setattr(curso, "caminhos_longos_ligados", lambda: longos)
    monkeypatch.setattr(curso, "RAIZ", raiz / ("x" * 80))
    shutil.copytree(raiz, curso.RAIZ)
    monkeypatch.setattr(curso, "rodar", lambda comando, pasta: 0)
    assert entrar("aula") == codigo
    if codigo:
        assert "C:\\curso" in frase(capsys)


def test_uma_pasta_comum_cabe_no_windows(maquina, monkeypatch):
    monkeypatch.setattr(curso, "WINDOWS", True)
    monkeypatch.setattr(curso, "caminhos_longos_ligados", lambda: False)
    monkeypatch.setattr(curso, "RAIZ", r"C:\Users\fulano\Documents\fazendo-um-llm-do-zero")
    curso.conferir_computador()


@pytest.mark.parametrize(("placa", "gigas"), [(False, "2 GB"), (True, "10 GB")])
def test_disco_pequeno_demais(placa, gigas, maquina, monkeypatch, capsys):
    monkeypatch.setattr(curso, "tem_placa_nvidia", lambda: placa)
    livre = shutil.disk_usage(curso.RAIZ)._replace(free=1_500_000_000)
    monkeypatch.setattr(curso.shutil, "disk_usage", lambda _: livre)
    assert entrar("aula") == 1
    assert f"libere ao menos {gigas}" in frase(capsys)
    assert maquina.rodados == []


@pytest.mark.parametrize(
    ("saida", "trechos"),
    [
        (SEM_REDE, ["internet", COLAB]),
        (SEM_VERSAO, ["não tem versão pronta", COLAB]),
        (SEM_ESPACO, ["libere ao menos 2 GB"]),
        (SEM_REDE + SEM_ESPACO, ["libere ao menos 2 GB"]),
        (CERTIFICADO.format("self-signed certificate in certificate chain"), ["certificado", "PIP_CERT", COLAB]),
        (CERTIFICADO.format("unable to get local issuer certificate"), ["certificado", "PIP_CERT"]),
        (CERTIFICADO.format("certificate is not yet valid"), ["acerte a data e a hora"]),
        (CERTIFICADO.format("certificate has expired"), ["acerte a data e a hora"]),
        ("SSLError: algo no certificado", ["certificado", "PIP_CERT"]),
        ("problem confirming the ssl certificate: SSLError(SSLEOFError(8, 'EOF occurred')", ["confira a internet"]),
        ("problem confirming the ssl certificate: [SSL: WRONG_VERSION_NUMBER] wrong version number", ["o proxy da rede"]),
        (SEM_PERMISSAO, ["permissão"]),
        ("ERROR: [WinError 206] nome longo", ["C:\\curso"]),
        ("algo que ninguém previu", ["instalacao.log", COLAB]),
    ],
)
def test_cada_falha_do_pip_tem_a_sua_frase(saida, trechos, maquina, capsys):
    maquina.respostas["-r "] = (1, saida)
    assert entrar("aula") == 1
    texto = frase(capsys)
    assert all(trecho in texto for trecho in trechos)
    assert not curso.carimbo().exists()


@pytest.mark.parametrize(
    ("erro", "trecho"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "libere ao menos"),
        (PermissionError(errno.EACCES, "Permission denied"), "permissão para gravar"),
        (OSError(errno.EROFS, "Read-only file system"), "permissão para gravar"),
        (OSError(errno.ENAMETOOLONG, "File name too long"), "longo demais"),
        (OSError(errno.EIO, "Input/output error"), "O sistema recusou"),
    ],
)
def test_cada_erro_de_arquivo_tem_a_sua_frase(erro, trecho, maquina, monkeypatch, capsys):
    def recusar(*_, **__):
        raise erro

    monkeypatch.setattr(curso.Path, "mkdir", recusar)
    assert entrar("aula") == 1
    assert trecho in frase(capsys)


def test_sem_o_pyproject_a_frase_de_outro_problema_nao_se_perde(raiz, monkeypatch, capsys):
    def recusar(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "pyproject.toml")

    monkeypatch.setattr(curso, "configuracao", recusar)
    monkeypatch.setattr(curso, "preparar_ambiente", recusar)
    assert entrar("aula") == 1
    assert "permissão para gravar em pyproject.toml" in frase(capsys)


def test_um_curso_so_de_leitura_que_ja_esta_pronto_abre(aulas, maquina, monkeypatch):
    curso.preparar_ambiente(curso.PACOTES)
    abrir, rodar = os.open, []

    def so_leitura(caminho, modo, *resto):
        if modo & (os.O_RDWR | os.O_WRONLY):
            raise OSError(errno.EROFS, "Read-only file system", str(caminho))
        return abrir(caminho, modo, *resto)

    monkeypatch.setattr(curso.os, "open", so_leitura)
    monkeypatch.setattr(curso, "gravar", lambda caminho, _: pytest.fail(f"gravou {caminho}"))
    monkeypatch.setattr(curso, "rodar", lambda *_: rodar.append(1) or 0)
    assert entrar("aula") == 0 and rodar


def test_copia_incompleta_do_curso(maquina, raiz, capsys):
    (raiz / curso.PACOTES).unlink()
    assert entrar("aula") == 1
    assert "incompleta" in frase(capsys)


def test_ctrl_c_acaba_numa_frase(raiz, monkeypatch, capsys):
    def interromper(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(curso, "preparar_ambiente", interromper)
    assert entrar("aula") == 130
    assert frase(capsys).startswith("Interrompido.")


def test_a_saida_em_cp1252_nao_derruba_o_lancador(tmp_path):
    programa = (
        f"import sys; sys.path.insert(0, {str(REPOSITORIO)!r}); import curso; curso.entrada([])"
    )
    feito = subprocess.run(
        [sys.executable, "-c", programa],
        env={**curso.variaveis(), "PYTHONIOENCODING": "cp1252:strict"},
        capture_output=True,
        check=True,
    )
    assert "opções" in feito.stdout.decode("utf-8")


# ---------------------------------------------------------------- meu-curso


def notebook(texto, execucao=1):
    """Os bytes de um notebook de uma célula."""
    celula = {"cell_type": "code", "source": [texto], "execution_count": execucao, "outputs": []}
    return json.dumps({"cells": [celula], "metadata": {}}).encode()


@pytest.fixture
def aulas(raiz):
    """(pasta dos originais, pasta do aluno), já arrumada uma vez."""
    originais = raiz / "04-gpt-do-zero"
    (originais / "00-a.ipynb").write_bytes(notebook("um"))
    (originais / "leia.md").write_text("não é aula", encoding="utf-8")
    return originais, curso.arrumar_meu_curso()


def conteudo(pasta):
    return {arquivo.name: arquivo.read_bytes() for arquivo in pasta.iterdir()}


def test_as_aulas_sao_copiadas_e_so_elas(aulas):
    _, minhas = aulas
    assert conteudo(minhas) == {"00-a.ipynb": notebook("um")}


def test_copia_da_aula_nunca_e_sobrescrita(aulas):
    originais, minhas = aulas
    (minhas / "00-a.ipynb").write_bytes(notebook("meu"))
    (originais / "00-a.ipynb").write_bytes(notebook("dois"))
    curso.arrumar_meu_curso()
    assert (minhas / "00-a.ipynb").read_bytes() == notebook("meu")


def test_editar_a_copia_nao_faz_surgir_uma_versao_nova(aulas):
    _, minhas = aulas
    (minhas / "00-a.ipynb").write_bytes(notebook("meu"))
    curso.arrumar_meu_curso()
    assert conteudo(minhas) == {"00-a.ipynb": notebook("meu")}


def test_original_mais_novo_fica_ao_lado(aulas, capsys):
    originais, minhas = aulas
    (originais / "00-a.ipynb").write_bytes(notebook("dois"))
    curso.arrumar_meu_curso()
    assert conteudo(minhas) == {"00-a.ipynb": notebook("um"), "00-a-novo.ipynb": notebook("dois")}
    assert "00-a-novo.ipynb" in capsys.readouterr().out


def test_so_rodar_o_original_de_novo_nao_conta_como_versao_nova(aulas):
    originais, minhas = aulas
    (originais / "00-a.ipynb").write_bytes(notebook("um", execucao=9))
    curso.arrumar_meu_curso()
    assert conteudo(minhas) == {"00-a.ipynb": notebook("um")}


def test_a_versao_nova_acompanha_o_original_enquanto_ninguem_mexe_nela(aulas):
    originais, minhas = aulas
    for texto in ("dois", "três"):
        (originais / "00-a.ipynb").write_bytes(notebook(texto))
        curso.arrumar_meu_curso()
    assert (minhas / "00-a-novo.ipynb").read_bytes() == notebook("três")


def test_a_versao_nova_editada_pelo_aluno_nao_e_sobrescrita(aulas, capsys):
    originais, minhas = aulas
    (originais / "00-a.ipynb").write_bytes(notebook("dois"))
    curso.arrumar_meu_curso()
    (minhas / "00-a-novo.ipynb").write_bytes(notebook("meu dois"))
    (originais / "00-a.ipynb").write_bytes(notebook("três"))
    curso.arrumar_meu_curso()
    assert (minhas / "00-a-novo.ipynb").read_bytes() == notebook("meu dois")
    assert "mudanças suas" in capsys.readouterr().out


def test_a_versao_nova_que_o_aluno_apagou_nao_volta(aulas):
    originais, minhas = aulas
    (originais / "00-a.ipynb").write_bytes(notebook("dois"))
    curso.arrumar_meu_curso()
    (minhas / "00-a-novo.ipynb").unlink()
    curso.arrumar_meu_curso()
    assert conteudo(minhas) == {"00-a.ipynb": notebook("um")}


def test_uma_copia_apagada_e_feita_de_novo(aulas):
    originais, minhas = aulas
    (minhas / "00-a.ipynb").unlink()
    (originais / "00-a.ipynb").write_bytes(notebook("dois"))
    curso.arrumar_meu_curso()
    assert conteudo(minhas) == {"00-a.ipynb": notebook("dois")}


def test_sem_o_registro_a_copia_do_aluno_continua_a_salvo(aulas):
    _, minhas = aulas
    (curso.MEU_CURSO / ".origem.json").write_text("estragado", encoding="utf-8")
    (minhas / "00-a.ipynb").write_bytes(notebook("meu"))
    curso.arrumar_meu_curso()
    assert conteudo(minhas) == {"00-a.ipynb": notebook("meu"), "00-a-novo.ipynb": notebook("um")}


@pytest.mark.parametrize("tipo", ["atalho quebrado", "pasta"])
@pytest.mark.parametrize("nome", ["00-a.ipynb", "00-a-novo.ipynb"])
def test_um_atalho_ou_uma_pasta_do_aluno_fica_como_esta(nome, tipo, aulas, tmp_path):
    originais, minhas = aulas
    meu = minhas / nome
    if meu.exists():
        meu.unlink()
    meu.mkdir() if tipo == "pasta" else meu.symlink_to(tmp_path / "disco desligado")
    (originais / "00-a.ipynb").write_bytes(notebook("dois"))
    curso.arrumar_meu_curso()
    assert meu.is_dir() if tipo == "pasta" else meu.is_symlink()


def test_a_sobra_de_uma_gravacao_interrompida_sai_e_a_do_aluno_fica(aulas):
    _, minhas = aulas
    for nome in (".00-a.ipynb.0a1b2c3d.parte", ".minha.parte", "redacao.parte"):
        (minhas / nome).touch()
    curso.arrumar_meu_curso()
    assert set(conteudo(minhas)) == {"00-a.ipynb", ".minha.parte", "redacao.parte"}


@pytest.mark.parametrize("texto", ["<<<<<<< HEAD", "[]", '{"cells": 3}', '{"cells": [null]}', "[" * 200_000])
def test_original_estragado_acaba_numa_frase(texto, aulas, rodado, capsys):
    originais, _ = aulas
    (originais / "00-a.ipynb").write_text(texto, encoding="utf-8")
    assert entrar("aula") == 1
    assert "00-a.ipynb está estragado" in frase(capsys)


# ---------------------------------------------------------------- o kit


def pacote(pasta, nome, *dependencias, etiqueta="py3-none-any"):
    """Um pacote de verdade, vazio, com as dependências dadas."""
    info = f"{nome}-1.0.dist-info"
    with zipfile.ZipFile(pasta / f"{nome}-1.0-{etiqueta}.whl", "w") as arquivo:
        pede = "".join(f"Requires-Dist: {d}\n" for d in dependencias)
        arquivo.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {nome}\nVersion: 1.0\n{pede}")
        arquivo.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {etiqueta}\n")
        arquivo.writestr(f"{info}/RECORD", "")


@pytest.fixture
def fazer_kit(raiz, maquina, tmp_path):
    """Faz um kit com o pip de mentira; um pacote já está na pasta, como se tivesse sido baixado."""

    def fazer(*argumentos):
        pasta = tmp_path / "pen drive"
        (pasta / "pacotes").mkdir(parents=True, exist_ok=True)
        pacote(pasta / "pacotes", "torch")
        assert entrar("kit", str(pasta), *argumentos) == 0
        return pasta

    return fazer


@pytest.mark.parametrize(("sistema", "python", "vem"), [
    ("windows", "3.12", {"base", "so_windows"}),
    ("mac", "3.12", {"base", "so_mac"}),
    ("linux", "3.14", {"base", "so_linux", "so_novo"}),
])
def test_o_pip_escolhe_as_dependencias_do_computador_de_destino(sistema, python, vem, tmp_path):
    loja, destino = tmp_path / "loja", tmp_path / "destino"
    loja.mkdir()
    pacote(loja, "base", "so_windows; os_name == 'nt'", "so_mac; sys_platform == 'darwin'",
           "so_linux; platform_system == 'Linux'", "so_novo; python_version >= '3.14'")
    for nome, etiqueta in (("so_windows", "cp312-cp312-win_amd64"), ("so_mac", "cp312-cp312-macosx_14_0_arm64"),
                           ("so_linux", "cp314-cp314-manylinux_2_28_x86_64"), ("so_novo", "py3-none-any")):
        pacote(loja, nome, etiqueta=etiqueta)
    comando = [str(REPOSITORIO / "ferramentas" / "pip_para.py"), sistema, python, "download", "--no-index", "--only-binary",
               ":all:", "--find-links", str(loja), "--dest", str(destino), "base"]
    subprocess.run([sys.executable, *comando], check=True, capture_output=True)
    assert {p.name.partition("-")[0] for p in destino.iterdir()} == vem


def test_o_kit_leva_o_curso_e_deixa_o_que_e_da_maquina(fazer_kit, raiz):
    (raiz / "meu-curso").mkdir()
    (raiz / ".git").mkdir()
    pasta = fazer_kit("--para", "windows")
    levados = {p.name for p in (pasta / "curso").iterdir()}
    assert {"requirements.txt", "04-gpt-do-zero"} <= levados
    assert not levados & {".venv", "meu-curso", ".git"}
    assert "py curso.py aula --de .." in (pasta / "LEIA-ME.txt").read_text(encoding="utf-8")


def test_o_kit_baixa_uma_vez_por_python_e_o_torch_sem_cuda_primeiro_no_linux(fazer_kit, maquina):
    fazer_kit("--para", "linux", "--python", "3.12", "--python", "3.13")
    baixados = maquina.rodou(" download ")
    assert [(" linux 3.12 " in b, curso.INDICE_DE_CPU in b) for b in baixados] == [
        (True, True), (True, False), (False, True), (False, False)]
    maquina.rodados.clear()
    fazer_kit("--para", "mac", "--python", "3.14")
    baixados = maquina.rodou(" download ")
    assert len(baixados) == 2 and all(" mac 3.14 " in b and curso.INDICE_DE_CPU not in b for b in baixados)


def test_refazer_o_kit_nao_guarda_arquivo_velho_do_curso(fazer_kit, raiz):
    (raiz / "velho.txt").touch()
    fazer_kit()
    (raiz / "velho.txt").unlink()
    assert not (fazer_kit() / "curso" / "velho.txt").exists()


def test_a_aula_de_um_kit_nao_usa_a_rede(fazer_kit, raiz, maquina, monkeypatch):
    pasta = fazer_kit()
    shutil.rmtree(curso.AMBIENTE)
    maquina.versao, maquina.rodados = None, []
    monkeypatch.setattr(curso, "rodar", lambda *_: 0)
    assert entrar("aula", "--de", str(pasta)) == 0
    assert maquina.rodou(" install ")
    assert all("--no-index --find-links " + str(pasta / "pacotes") in linha for linha in maquina.rodou(" install "))


def test_uma_pasta_que_nao_e_kit(raiz, maquina, capsys):
    assert entrar("aula", "--de", str(raiz)) == 1
    assert "Não há um kit" in frase(capsys)


def test_um_kit_de_outro_computador_diz_o_que_falta(fazer_kit, maquina, capsys):
    pasta = fazer_kit("--para", "windows", "--python", "3.12")
    shutil.rmtree(curso.AMBIENTE)
    maquina.versao, maquina.respostas = None, {" install ": (1, SEM_VERSAO)}
    capsys.readouterr()
    assert entrar("aula", "--de", str(pasta)) == 1
    texto = frase(capsys)
    assert "não tem os pacotes" in texto and "3.12" in texto and str(pasta) in texto


def tudo(pasta):
    """{caminho: bytes} de todos os arquivos da pasta, menos o registro da instalação."""
    return {str(p.relative_to(pasta)): p.read_bytes() for p in sorted(pasta.rglob("*")) if p.is_file() and not p.is_symlink()}


@pytest.mark.parametrize("destino", [".", "..", "kit", "meu-curso", "../curso/kit/fundo", ".venv/kit", "../atalho", "../laco/x", "../../.."])
def test_o_kit_nao_poe_o_curso_em_risco(destino, raiz, maquina, monkeypatch, capsys):
    (raiz / "meu-curso").mkdir()
    (raiz / "meu-curso" / "meu.ipynb").write_bytes(notebook("meu"))
    (raiz.parent / "atalho").symlink_to(raiz.parent)
    (raiz.parent / "laco").symlink_to(raiz)
    antes = tudo(raiz)
    monkeypatch.chdir(raiz)
    assert entrar("kit", destino) == 1
    assert "próprio curso" in frase(capsys)
    assert maquina.rodados == [] and tudo(raiz) == antes


def test_o_kit_nao_passa_por_cima_do_curso_por_um_atalho(raiz, maquina, tmp_path, capsys):
    pasta = tmp_path / "pen drive"
    pasta.mkdir()
    for nome, alvo in (("curso", raiz), ("pacotes", raiz)):
        (pasta / nome).symlink_to(alvo)
        assert entrar("kit", str(pasta)) == 1
        assert "próprio curso" in frase(capsys)
        (pasta / nome).unlink()
    assert maquina.rodados == [] and (raiz / "pyproject.toml").exists()


def test_num_disco_que_nao_distingue_maiusculas_o_curso_continua_a_salvo(raiz, tmp_path, monkeypatch):
    assert not kit.dentro(tmp_path / "CURSO" / "kit", raiz)
    mesmo = os.path.samefile
    # O disco diz que são a mesma pasta, embora os nomes difiram.
    monkeypatch.setattr(curso.os.path, "samefile", lambda a, b: "CURSO" in a and b == str(raiz) or mesmo(a, b))
    assert kit.dentro(tmp_path / "CURSO" / "kit", raiz)


@pytest.mark.parametrize(("nome", "texto"), [
    ("curso/tese.txt", "minha"), ("curso/.feito-por-kit.json", "[]"), ("curso", "um arquivo"), ("pacotes", "um arquivo"),
    ("LEIA-ME.txt", "meu"), ("kit.json", '{"meu": 1}')])
def test_o_kit_nao_troca_o_que_nao_e_dele(nome, texto, raiz, maquina, tmp_path, capsys):
    pasta = tmp_path / "pendrive"
    (pasta / nome).parent.mkdir(parents=True)
    (pasta / nome).write_text(texto, encoding="utf-8")
    assert entrar("kit", str(pasta)) == 1
    assert str(pasta / Path(nome).parts[0]) in frase(capsys)
    assert maquina.rodados == [] and tudo(pasta) == {nome: texto.encode()}


def test_o_kit_deixa_em_paz_os_outros_arquivos_da_pasta(fazer_kit):
    pasta = fazer_kit()
    (pasta / "fotos").mkdir()
    for nome in ("fotos/praia.jpg", "pacotes/meu.txt", ".curso.velha", ".x.parte"):
        (pasta / nome).write_text("meu", encoding="utf-8")
    fazer_kit()
    assert all((pasta / nome).read_text(encoding="utf-8") == "meu" for nome in ("fotos/praia.jpg", "pacotes/meu.txt", ".curso.velha", ".x.parte"))


def test_refazer_o_kit_passa_adiante_o_que_e_de_quem_usou_a_copia(fazer_kit):
    pasta = fazer_kit()
    for nome in ("meu-curso/04/00-a.ipynb", "meu-modelo/m.pt", ".venv/pyvenv.cfg", "__pycache__/x.pyc"):
        (pasta / "curso" / nome).parent.mkdir(parents=True)
        (pasta / "curso" / nome).write_bytes(b"meu")
    (pasta / "curso" / "meu-curso" / "atalho").symlink_to("/nada")
    fazer_kit()
    assert (pasta / "curso" / "meu-curso/04/00-a.ipynb").read_bytes() == b"meu"
    assert (pasta / "curso" / "meu-curso" / "atalho").is_symlink()
    assert (pasta / "curso" / "meu-modelo/m.pt").read_bytes() == b"meu"
    assert (pasta / "curso" / ".venv/pyvenv.cfg").exists()
    assert {p.name for p in pasta.iterdir()} == {"curso", "pacotes", "kit.json", "LEIA-ME.txt"}


@pytest.mark.parametrize("nome", ["04-gpt-do-zero/minha.ipynb", "requirements.txt"])
def test_refazer_o_kit_guarda_ao_lado_a_copia_em_que_alguem_mexeu(nome, fazer_kit, capsys):
    pasta = fazer_kit()
    (pasta / "curso" / nome).write_bytes(b"meu")
    capsys.readouterr()
    fazer_kit()
    assert (pasta / "curso-anterior-1" / nome).read_bytes() == b"meu"
    assert "curso-anterior-1" in capsys.readouterr().out
    assert nome not in tudo(pasta / "curso") or tudo(pasta / "curso")[nome] != b"meu"


def test_o_kit_nao_segue_atalhos_nem_da_voltas(fazer_kit, raiz, tmp_path, capsys):
    fora = tmp_path / "fora"
    fora.mkdir()
    (fora / "segredo.txt").touch()
    for nome, alvo in (("volta", raiz), ("para-fora", fora), ("quebrado", "/nada"), ("segredo.txt", fora / "segredo.txt")):
        (raiz / "04-gpt-do-zero" / nome).symlink_to(alvo)
    (raiz / "outro").mkdir()
    (raiz / "outro" / "pyvenv.cfg").touch()
    if hasattr(os, "mkfifo"):
        os.mkfifo(raiz / "cano")
    pasta = fazer_kit()
    levados = {str(p.relative_to(pasta / "curso")) for p in (pasta / "curso").rglob("*")}
    assert not [nome for nome in levados if "04-gpt-do-zero/" in nome or nome in ("outro", "cano")]
    assert "para-fora" in capsys.readouterr().out


@pytest.mark.parametrize(("erro", "trecho"), [
    (OSError(errno.ENOSPC, "No space left on device"), "Falta espaço em"),
    (OSError(errno.EROFS, "Read-only file system"), "Não há permissão para gravar em"),
    (PermissionError(errno.EACCES, "Permission denied"), "Não há permissão para gravar em"),
])
@pytest.mark.parametrize("onde", ["abrir_destino", "copiar_curso", "por_no_lugar"])
def test_o_erro_do_pen_drive_fala_do_pen_drive(onde, erro, trecho, fazer_kit, monkeypatch, capsys):
    pasta = fazer_kit()
    antes = tudo(pasta)

    def recusar(*_):
        raise erro

    monkeypatch.setattr(kit, onde, recusar)
    capsys.readouterr()
    assert entrar("kit", str(pasta)) == 1
    texto = frase(capsys)
    assert trecho in texto and str(pasta) in texto
    assert tudo(pasta) == antes


@pytest.mark.parametrize("erro", [PermissionError(errno.EACCES, "Permission denied"), KeyboardInterrupt()])
def test_uma_troca_que_nao_da_certo_devolve_a_copia_velha(erro, fazer_kit, raiz, monkeypatch):
    pasta = fazer_kit()
    antes, trocar = tudo(pasta), curso.trocar

    def recusar(de, para):
        if de.name.endswith(".parte") and para == pasta / "curso":
            raise erro
        trocar(de, para)

    (raiz / "novidade.txt").touch()
    monkeypatch.setattr(curso, "trocar", recusar)
    assert entrar("kit", str(pasta)) != 0
    assert tudo(pasta) == antes and not list(pasta.glob(".*"))


MORRER = """
curso.executar = lambda comando: (0, "")
curso.versao_do_ambiente = lambda: "3.11"
vistos = 0
def morrer(evento, argumentos):
    global vistos
    if evento in {eventos!r} and {pasta!r} in str(argumentos):
        vistos += 1
        if vistos == {quando}:
            os._exit(9)
sys.addaudithook(morrer)
curso.entrada(["kit", {pasta!r}])
"""


def morto_em(quando, eventos, raiz, pasta):
    """Roda `kit` num processo que morre, sem aviso, ao chegar à operação de número `quando`; diz se morreu."""
    processo = outro_processo(raiz, MORRER.format(quando=quando, eventos=eventos, pasta=str(pasta)))
    processo.communicate()
    return processo.returncode == 9


def conferir_que_nada_se_perdeu(quando, eventos, fazer_kit, raiz, capsys):
    pasta = fazer_kit()
    (pasta / "curso" / "meu-curso").mkdir(exist_ok=True)
    (pasta / "curso" / "meu-curso" / "meu.ipynb").write_bytes(b"meu")
    (raiz / "novidade.txt").write_bytes(b"%d" % quando)
    velha = tudo(pasta / "curso")
    morreu = morto_em(quando, eventos, raiz, pasta)
    copias = [tudo(p) for p in pasta.glob("*curso*") if p.is_dir()]
    sem_marca = [{nome: d for nome, d in c.items() if nome[0] != "." and "meu-curso" not in nome} for c in copias]
    nova = tudo(raiz)
    inteiras = [velha, {nome: d for nome, d in nova.items() if nome.partition("/")[0] not in (".venv", "meu-curso")}]
    assert any(c in [{n: d for n, d in i.items() if n[0] != "." and "meu-curso" not in n} for i in inteiras] for c in sem_marca)
    assert any(c.get("meu-curso/meu.ipynb") == b"meu" for c in copias)
    fazer_kit()
    assert {p.name for p in pasta.iterdir()} == {"curso", "pacotes", "kit.json", "LEIA-ME.txt"}
    assert tudo(pasta / "curso")["meu-curso/meu.ipynb"] == b"meu"
    assert tudo(pasta / "curso")["novidade.txt"] == b"%d" % quando
    return morreu


@pytest.mark.parametrize("quando", [2, 3])
def test_o_kit_morto_no_meio_da_troca_nao_perde_nada(quando, fazer_kit, raiz, capsys):
    assert conferir_que_nada_se_perdeu(quando, ("os.rename",), fazer_kit, raiz, capsys)


@pytest.mark.lento
def test_o_kit_morto_em_qualquer_momento_nao_perde_nada(fazer_kit, raiz, capsys):
    eventos = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "open")
    quando = 1
    while conferir_que_nada_se_perdeu(quando, eventos, fazer_kit, raiz, capsys):
        quando += 1
        capsys.readouterr()
    assert quando > 30


def test_kit_sem_rede(raiz, maquina, tmp_path, capsys):
    maquina.respostas = {" download ": (1, SEM_REDE)}
    assert entrar("kit", str(tmp_path / "kit")) == 1
    assert "Não consegui baixar" in frase(capsys)
    assert not (tmp_path / "kit").exists()


# ---------------------------------------------------------------- o endereço do fork


@pytest.mark.parametrize(("url", "publico"), [
    ("https://github.com/ana/curso", "https://github.com/ana/curso"),
    ("https://github.com/ana/curso.git/", "https://github.com/ana/curso"),
    ("https://ana:senha@github.com/ana/curso.br.git", "https://github.com/ana/curso.br"),
    ("http://www.GitHub.com/ana/curso", "https://github.com/ana/curso"),
    ("github.com/ana/curso", "https://github.com/ana/curso"),
    ("git@github.com:ana/curso.git", "https://github.com/ana/curso"),
    ("ssh://git@github.com/ana/curso.git", "https://github.com/ana/curso"),
    ("ssh://git@ssh.github.com:443/ana/curso.git", "https://github.com/ana/curso"),
    ("git@gitlab.com:grupo/turma/curso.git", "https://gitlab.com/grupo/turma/curso"),
    ("https://git.escola.br:8443/ana/curso.git", "https://git.escola.br:8443/ana/curso"),
])
def test_o_endereco_publico_sai_de_qualquer_forma_que_o_git_aceita(url, publico):
    assert endereco.por_https(url) == publico


@pytest.mark.parametrize("url", ["", "ana/curso", "/home/ana/curso", "../curso", "file:///home/ana/curso", "C:\\ana\\curso", "https://github.com/ana",
                                 "https://github.com/ana/curso/tree/main", "git@apelido:ana/curso.git", "https://github.com/ana/cur so", 'https://x.y/a/b"'])
def test_um_endereco_que_nao_se_reconhece_nao_muda_nada(url, raiz, rodado, capsys):
    antes = tudo(raiz)
    assert entrar("endereco", url) == 1
    assert "Não reconheço o endereço" in (texto := frase(capsys)) and url in texto and endereco.EXEMPLO in texto
    assert tudo(raiz) == antes and rodado == []


@pytest.mark.parametrize("ref", ["-x", "minha turma", "é", 'a"b', "a\nb"])
def test_um_nome_que_nao_serve_de_ramo_nao_muda_nada(ref, raiz, rodado, capsys):
    antes = tudo(raiz)
    assert entrar("endereco", "https://github.com/ana/curso", f"--ref={ref}") == 1
    assert "não serve de nome de ramo" in capsys.readouterr().err and tudo(raiz) == antes and rodado == []


def test_sem_endereco_e_sem_clone_diz_o_que_escrever(raiz, rodado, capsys):
    assert entrar("endereco") == 1
    assert f"escreva o endereço dele, «curso.py endereco {endereco.EXEMPLO}»" in frase(capsys) and rodado == []


@pytest.mark.parametrize(("dito_pelo_git", "argumentos", "ref", "aviso"), [
    ({"config": "git@github.com:ana/curso.git\n", "ls-remote": "1234 refs/heads/main\n"}, [], "main", "Issues"),
    ({"ls-remote": ""}, ["https://github.com/ana/curso", "--ref", "v1"], "v1", "ainda não há ramo nem etiqueta «v1»"),
    ({}, ["https://github.com/ana/curso"], "main", "não consegui ver https://github.com/ana/curso sem senha"),
    ({}, ["https://gitlab.com/ana/curso"], "main", "O Colab só abre o que está no GitHub"),
])
def test_endereco_escreve_no_pyproject_e_manda_atualizar(dito_pelo_git, argumentos, ref, aviso, raiz, rodado, monkeypatch, capsys):
    (raiz / ".git").mkdir()
    (raiz / "pyproject.toml").write_text((raiz / "pyproject.toml").read_text(encoding="utf-8") + '\n[tool.outro]\nref = "dele"\n', encoding="utf-8")
    monkeypatch.setattr(endereco, "git", lambda comando, *_: dito_pelo_git.get(comando))
    monkeypatch.setattr(curso, "rodar", lambda comando, pasta: rodado.append((comando, pasta)) or 0)
    antes = tomllib.loads((raiz / "pyproject.toml").read_text(encoding="utf-8"))
    assert entrar("endereco", *argumentos) == 0
    depois = tomllib.loads((raiz / "pyproject.toml").read_text(encoding="utf-8"))
    repositorio = argumentos[0] if argumentos else "https://github.com/ana/curso"
    antes["tool"]["curso"].update(repositorio=repositorio, ref=ref)
    assert depois == antes
    assert rodado == [(curso.PACOTES,), ([str(raiz / "ferramentas" / "atualizar.py"), "enderecos"], raiz)]
    dito = capsys.readouterr().out
    assert aviso in dito and f"{repositorio} ({ref})" in dito


def test_se_os_notebooks_nao_se_atualizam_nao_se_diz_que_mudou(raiz, rodado, capsys):
    assert entrar("endereco", "https://github.com/ana/curso") == 7
    assert "O curso agora está em" not in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("git") is None, reason="sem o git não há o que perguntar a ele")
def test_o_git_so_responde_se_acha_e_sem_pedir_senha(raiz, monkeypatch):
    assert endereco.git("version").startswith("git version")
    assert endereco.git("isto-nao-existe") is None
    monkeypatch.setattr(endereco.shutil, "which", lambda _: None)
    assert endereco.git("version") is None


def test_de_outro_servidor_o_link_do_colab_e_o_da_porta_dele(raiz):
    endereco.escrever("https://gitlab.com/ana/curso", "main")
    assert curso.link_do_colab() == "https://colab.research.google.com"
