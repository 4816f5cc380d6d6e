"""Abre o curso: prepara o ambiente uma única vez e roda cada comando dentro dele.

    python3 curso.py aula        (no Windows: py curso.py aula)

Usa só a biblioteca padrão. A sintaxe é a do Python 3.6, para que um Python
antigo chegue a dizer o que falta em vez de parar num erro de sintaxe.
"""

import argparse
import errno
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

PYTHON_MINIMO = (3, 11)
WINDOWS = sys.platform == "win32"
RAIZ = Path(os.path.abspath(__file__)).parent
AMBIENTE = RAIZ / ".venv"
MEU_CURSO = RAIZ / "meu-curso"

PACOTES = "requirements.txt"
PACOTES_DOS_TESTES = "tests/requirements.txt"
INDICE_DE_CPU = "https://download.pytorch.org/whl/cpu"

# Os computadores para que se faz um kit: as etiquetas dos pacotes que servem em cada um.
PLATAFORMAS = {
    "windows": ("win_amd64",),
    "mac": ("macosx_15_0_arm64",),
    "linux": ("linux_x86_64",) + tuple(f"manylinux_2_{n}_x86_64" for n in range(5, 29))
    + ("manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"),
}
ESTE_SISTEMA = {"win32": "windows", "darwin": "mac"}.get(sys.platform, "linux")
PYTHONS_DO_KIT = ("3.11", "3.12", "3.13", "3.14")
FORA_DO_KIT = (".venv", ".git", "meu-curso", "meu-modelo", "__pycache__", ".pytest_cache", ".ipynb_checkpoints")

# O arquivo mais fundo que a instalação grava, medido com o torch 2.13: uma licença em
# .venv\Lib\site-packages\torch-2.13.0.dist-info\… O Windows só aceita 259 caracteres ao todo.
MAIOR_CAMINHO = 196
LIMITE_DO_WINDOWS = 259


class Falha(Exception):
    """Um problema previsto: o texto diz o que houve e qual é a saída."""


def avisar(texto):
    print(texto, flush=True)


# ---------------------------------------------------------------- endereços


def configuracao():
    """A seção [tool.curso] do pyproject.toml, num dicionário."""
    # Lida sem o tomllib, que só existe desde o 3.11: um Python antigo também precisa do endereço.
    texto = (RAIZ / "pyproject.toml").read_text(encoding="utf-8")
    secao = texto.partition("[tool.curso]")[2].partition("\n[")[0]
    return dict(re.findall(r'^(\w+)\s*=\s*"(.*?)"', secao, re.MULTILINE))


def link_do_colab():
    """O endereço do capítulo no Colab: a saída de quem não consegue rodar aqui."""
    curso = configuracao()
    repositorio = curso["repositorio"].partition("github.com/")[2]
    return "https://colab.research.google.com/github/{}/blob/{}/{}/notebook.ipynb".format(
        repositorio, curso["ref"], curso["capitulo"]
    )


# ---------------------------------------------------------------- este computador serve?


def este_python():
    return "{}.{}".format(*sys.version_info[:2])


def conferir_versao():
    if sys.version_info < PYTHON_MINIMO:
        raise Falha(
            f"O curso pede Python 3.11 ou mais novo, e este é o {este_python()}: instale um mais "
            f"novo de https://www.python.org/downloads/ ou abra o capítulo no Colab: "
            f"{link_do_colab()}"
        )


def conferir_computador():
    """Para antes de baixar qualquer coisa num computador em que a instalação não daria certo."""
    if sys.maxsize <= 2**32:
        raise Falha(
            "Este Python é de 32 bits, e o PyTorch só existe em 64: instale a versão de 64 bits "
            f"de https://www.python.org/downloads/ ou abra o capítulo no Colab: {link_do_colab()}"
        )
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        raise Falha(
            "O PyTorch deixou de ter versões para Mac com processador Intel: abra o capítulo no "
            f"Colab: {link_do_colab()} (se o seu Mac tem chip Apple, instale o Python universal "
            "de https://www.python.org/downloads/)"
        )
    if not all(importlib.util.find_spec(modulo) for modulo in ("venv", "ensurepip")):
        raise Falha(mensagem("venv"))
    if WINDOWS and not caminhos_longos_ligados():
        sobra = LIMITE_DO_WINDOWS - MAIOR_CAMINHO - 1
        if len(str(RAIZ)) > sobra:
            raise Falha(mensagem("caminho"))


def caminhos_longos_ligados():
    """O Windows pode aceitar caminhos longos, se alguém ligou essa opção."""
    import winreg

    try:
        chave = winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem"
        )
        with chave:
            return winreg.QueryValueEx(chave, "LongPathsEnabled")[0] == 1
    except OSError:
        return False


def conferir_disco():
    livre = shutil.disk_usage(str(RAIZ)).free / 1e9
    if livre < gigas_necessarios():
        raise Falha(mensagem("espaco"))


def gigas_necessarios():
    # No Linux com placa NVIDIA o torch traz junto as bibliotecas CUDA.
    return 10 if sys.platform == "linux" and tem_placa_nvidia() else 2


def tem_placa_nvidia():
    return Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None


def quer_torch_de_cpu():
    """Só no Linux o índice padrão traz gigabytes de CUDA, inúteis sem a placa."""
    return (
        sys.platform == "linux"
        and platform.machine() in ("x86_64", "aarch64")
        and not tem_placa_nvidia()
    )


# ---------------------------------------------------------------- o que deu errado

# O que o pip e o venv escrevem em cada caso. A ordem importa: um erro de rede também acaba em
# «Could not find a version», e um disco cheio pode vir depois de um tropeço da rede.
SINAIS = (
    ("espaco", r"No space left|\[Errno 28\]|\[WinError 112\]|Disk quota exceeded"),
    ("caminho", r"File name too long|\[Errno 36\]|\[WinError 206\]|Windows Long Path"),
    ("permissao", r"Error: \[(Errno (1|13|30)|WinError 5)\]"),
    ("venv", r"ensurepip is not available|No module named '?(ensurepip|venv)\b"),
    (
        "rede",
        r"NewConnectionError|NameResolutionError|ConnectTimeout|Read ?Timeout|Read timed out"
        r"|Max retries exceeded|Temporary failure in name resolution|getaddrinfo failed"
        r"|Network is unreachable|Connection refused|ConnectionResetError|IncompleteRead"
        r"|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|DO NOT MATCH THE HASHES",
    ),
    ("versao", r"No matching distribution|Could not find a version"),
    ("biblioteca", r"\[WinError (126|127|1114)\]|DLL load failed"),
)

MENSAGENS = {
    "espaco": "Falta espaço no disco: libere ao menos {gigas} GB e rode o comando de novo.",
    "caminho": "O caminho desta pasta é longo demais para o Windows ({pasta}): mova a pasta do "
    "curso para perto da raiz, por exemplo C:\\curso, e rode o comando de novo.",
    "permissao": "Não há permissão para gravar em {pasta}: mova a pasta do curso para um lugar "
    "seu, como a pasta pessoal, feche o que estiver usando .venv e rode o comando de novo.",
    "venv": "Este Python veio sem o módulo que cria ambientes: no Debian e no Ubuntu, rode "
    "«sudo apt install python{python}-venv»; nos outros sistemas, instale o Python de "
    "https://www.python.org/downloads/. Depois rode o comando de novo.",
    "rede": "Não consegui baixar os pacotes: confira a internet (ou o proxy da rede) e rode o "
    "comando de novo; se a rede daqui não deixa, abra o capítulo no Colab: {colab}",
    "versao": "Um pacote do curso não tem versão pronta para este computador (Python {python}, "
    "{sistema}): tente com o Python 3.13 de https://www.python.org/downloads/ ou abra o "
    "capítulo no Colab: {colab}",
    "biblioteca": "O PyTorch não carrega porque falta uma biblioteca do Windows: instale "
    "https://aka.ms/vs/17/release/vc_redist.x64.exe e rode o comando de novo.",
    "kit": "O kit em {kit} não tem os pacotes para este computador (Python {python}, {sistema}): "
    "refaça-o num computador com internet («curso.py kit PASTA --para windows», linux ou mac), "
    "instale um Python de {pythons}, ou rode o comando sem --de, com internet.",
    "outra": "A instalação parou por um motivo que não reconheço, e o registro está em "
    "{pasta_do_registro}: apague a pasta .venv e rode o comando de novo, ou abra o capítulo no "
    "Colab: {colab}",
}


def causa(saida):
    """O nome do problema que se lê na saída do pip ou do venv."""
    return next((nome for nome, sinal in SINAIS if re.search(sinal, saida)), "outra")


def mensagem(nome):
    return MENSAGENS[nome].format(
        gigas=gigas_necessarios(),
        pasta=RAIZ,
        python=este_python(),
        sistema=f"{platform.system()} {platform.machine()}",
        pasta_do_registro=registro(),
        colab=link_do_colab(),
        kit=KIT.get("pasta"),
        pythons=" ou ".join(KIT.get("pythons", PYTHONS_DO_KIT)),
    )


def explicar(erro):
    """A frase para um erro do sistema de arquivos."""
    if erro.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return mensagem("espaco")
    if erro.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return mensagem("permissao")
    if erro.errno == errno.ENAMETOOLONG:
        return mensagem("caminho")
    if isinstance(erro, FileNotFoundError):
        return (
            f"A cópia do curso está incompleta (falta {erro.filename}): baixe o curso inteiro de "
            "novo e rode o comando lá."
        )
    return f"O sistema recusou uma operação ({erro}): confira a pasta {RAIZ} e rode de novo."


# ---------------------------------------------------------------- o ambiente


def python_do_ambiente():
    return str(AMBIENTE / ("Scripts/python.exe" if WINDOWS else "bin/python"))


def registro():
    return AMBIENTE / "instalacao.log"


def carimbo():
    """Diz que listas de pacotes já estão instaladas, e com que Python."""
    return AMBIENTE / "curso.json"


def pela_metade():
    """Existe enquanto o pip grava pacotes: se sobrou, a instalação foi interrompida."""
    return AMBIENTE / "instalando"


def ler_json(caminho):
    """O conteúdo do arquivo, ou um dicionário vazio se ele falta ou se estragou."""
    try:
        return json.loads(caminho.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def gravar(caminho, dados):
    """Grava de uma vez: uma interrupção não deixa um arquivo pela metade."""
    provisorio = caminho.with_name(caminho.name + ".parte")
    provisorio.write_bytes(dados)
    os.replace(str(provisorio), str(caminho))


def gravar_json(caminho, valor):
    gravar(caminho, (json.dumps(valor, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))


def impressao(dados):
    return hashlib.sha256(dados).hexdigest()


def variaveis():
    """As variáveis de ambiente dos comandos: UTF-8 sempre, e nada de outro Python no caminho."""
    limpas = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    limpas.update(PYTHONUTF8="1", PYTHONUNBUFFERED="1", PIP_USER="0")
    return limpas


def executar(comando):
    """Um passo da instalação: devolve (código, saída) e guarda tudo no registro."""
    linhas = []
    with open(str(registro()), "a", encoding="utf-8") as arquivo, subprocess.Popen(
        comando,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=variaveis(),
    ) as processo:
        for linha in processo.stdout:
            arquivo.write(linha)
            linhas.append(linha)
            acompanhar(linha)
    return processo.returncode, "".join(linhas)


def acompanhar(linha):
    """Conta o que o pip está baixando e marca a hora em que ele começa a gravar."""
    baixando = re.match(r"\s*Downloading (?:\S*/)?(\w+)-\S+ \(([\d.]+ [MG]B)\)", linha)
    if baixando:
        avisar("  baixando {} ({})".format(baixando.group(1), baixando.group(2).replace(".", ",")))
    if linha.startswith("Installing collected packages"):
        pela_metade().touch()
        avisar("  gravando os pacotes…")


# Só pacotes já compilados: falta de versão pronta aparece logo, e não num erro de compilador.
# É ao tentar de novo que o pip conta que a rede falhou; três vezes bastam para saber.
OPCOES_DO_PIP = ("--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--retries", "3")


def pip_instala(*argumentos):
    opcoes = [*OPCOES_DO_PIP, *argumentos]
    if KIT:
        opcoes += ["--no-index", "--find-links", str(KIT["pasta"] / "pacotes")]
    codigo, saida = executar([python_do_ambiente(), "-m", "pip", "install", *opcoes])
    if codigo == 0 and pela_metade().exists():
        pela_metade().unlink()
    return codigo, saida


def versao_do_ambiente():
    """A versão do Python do ambiente («3.12»); None se ele não existe ou não arranca."""
    pergunta = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        saida = subprocess.check_output(
            [python_do_ambiente(), "-c", pergunta], stderr=subprocess.DEVNULL, env=variaveis()
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return saida.decode("ascii").strip()


def ambiente_serve():
    versao = versao_do_ambiente()
    mesma = versao == ler_json(carimbo()).get("python", versao)
    return versao is not None and mesma and not pela_metade().exists()


def preparar_ambiente(*listas):
    """Instala as listas de pacotes; o que já está instalado não é refeito nem usa a rede."""
    serve = ambiente_serve()
    instaladas = ler_json(carimbo()) if serve else {}
    pedidas = {lista: impressao((RAIZ / lista).read_bytes()) for lista in listas}
    faltam = [lista for lista in listas if instaladas.get(lista) != pedidas[lista]]
    if not faltam:
        return
    if not serve:
        criar_ambiente()
    if PACOTES in faltam and quer_torch_de_cpu() and not KIT:
        instalar_torch_de_cpu()
    # Todas as listas, e não só as que faltam: assim nenhuma versão fixada muda por causa de outra.
    instalar(listas)
    instaladas.update(pedidas, python=versao_do_ambiente())
    gravar_json(carimbo(), instaladas)


def criar_ambiente():
    conferir_computador()
    if AMBIENTE.exists():
        avisar("O ambiente em .venv ficou pela metade ou já não funciona aqui: refazendo.")
        shutil.rmtree(str(AMBIENTE))
    conferir_disco()
    avisar("Criando o ambiente em .venv…")
    AMBIENTE.mkdir()
    # O Python de base, e não o de um ambiente ativado, que pode ser este que se está refazendo.
    base = getattr(sys, "_base_executable", sys.executable)
    codigo, saida = executar([base, "-m", "venv", str(AMBIENTE)])
    if codigo != 0:
        raise Falha(mensagem(causa(saida)))


def instalar(listas):
    avisar("Instalando os pacotes do curso (alguns minutos, só desta vez)…")
    arquivos = [parte for lista in listas for parte in ("-r", str(RAIZ / lista))]
    codigo, saida = pip_instala(*arquivos)
    if codigo != 0:
        nome = causa(saida)
        raise Falha(mensagem("kit" if KIT and nome in ("rede", "versao") else nome))
    conferir_pacotes()


def torch_fixado():
    return re.search(r"^torch==\S+", (RAIZ / PACOTES).read_text(encoding="utf-8"), re.MULTILINE).group()


def instalar_torch_de_cpu():
    """O torch sem CUDA; se o índice dele não responde, fica para o índice configurado."""
    avisar("Instalando o torch para processador (uns 200 MB)…")
    # Sem dependências: elas vêm depois, do índice configurado. E desistindo logo da espera.
    rapido = ["--no-deps", "--timeout", "15", "--retries", "1"]
    codigo, saida = pip_instala(*rapido, "--index-url", INDICE_DE_CPU, torch_fixado())
    if codigo == 0:
        return
    if causa(saida) not in ("rede", "versao"):
        raise Falha(mensagem(causa(saida)))
    avisar("O índice do PyTorch não respondeu; o torch virá do índice padrão (maior).")


def conferir_pacotes():
    """Prova que tudo carrega, e deixa prontas as fontes do matplotlib para a primeira aula."""
    importar = "import torch, matplotlib.pyplot, ipywidgets, jupyterlab"
    codigo, saida = executar([python_do_ambiente(), "-c", importar])
    if codigo != 0:
        raise Falha(mensagem(causa(saida)))


def rodar(comando, pasta, **variaveis_a_mais):
    """Entrega o terminal ao comando: quem responde ao Ctrl-C é ele, e o código de saída é o seu."""
    signal.signal(signal.SIGINT, lambda *_: None)
    processo = subprocess.Popen([python_do_ambiente(), *comando], cwd=str(pasta), env={**variaveis_a_mais, **variaveis()})
    signal.signal(signal.SIGTERM, lambda *_: processo.terminate())
    codigo = processo.wait()
    return codigo if codigo >= 0 else 128 - codigo


# ---------------------------------------------------------------- o kit, para onde não há internet

# De onde instalar sem internet: {"pasta": …, "pythons": …}, ou vazio para usar a rede.
KIT = {}


def abrir_kit(pasta):
    """Passa a instalar do kit: a pasta que `curso.py kit` fez, ou a que tem `pacotes/` dentro."""
    pasta = Path(os.path.abspath(pasta))
    if not any((pasta / "pacotes").glob("*.whl")):
        raise Falha(
            f"Não há um kit em {pasta}: dê a pasta que «curso.py kit PASTA» criou, a que tem "
            "«pacotes» dentro."
        )
    KIT.update(pasta=pasta, pythons=ler_json(pasta / "kit.json").get("pythons", PYTHONS_DO_KIT))


def juntar_pacotes(pasta, sistema, python):
    """Baixa para a pasta tudo o que um computador assim precisa para instalar sem rede."""
    alvo = [str(RAIZ / "ferramentas" / "pip_para.py"), sistema, python, "download", *OPCOES_DO_PIP]
    alvo += ["--python-version", python, "--implementation", "cp", "--dest", str(pasta)]
    alvo += [parte for nome in PLATAFORMAS[sistema] for parte in ("--platform", nome)]
    if sistema == "linux":
        # Com o torch de CPU já na pasta, o pip o prefere ao do índice padrão, que traz CUDA.
        executar([python_do_ambiente(), *alvo, "--no-deps", "--index-url", INDICE_DE_CPU, torch_fixado()])
    lista = ["--find-links", str(pasta), "-r", str(RAIZ / PACOTES)]
    codigo, saida = executar([python_do_ambiente(), *alvo, *lista])
    if codigo != 0:
        raise Falha(mensagem(causa(saida)))


def kit(opcoes, extras):
    preparar_ambiente(PACOTES)
    destino = Path(os.path.abspath(opcoes.pasta))
    pacotes, copia = destino / "pacotes", destino / "curso"
    if RAIZ in copia.parents:
        raise Falha("O kit não pode ficar dentro do próprio curso: dê outra pasta, como o pen drive.")
    pacotes.mkdir(parents=True, exist_ok=True)
    pythons = opcoes.python or list(PYTHONS_DO_KIT)
    for python in pythons:
        avisar(f"Juntando os pacotes para {opcoes.para}, Python {python}…")
        juntar_pacotes(pacotes, opcoes.para, python)
    if copia.exists():
        shutil.rmtree(str(copia))
    shutil.copytree(str(RAIZ), str(copia), ignore=shutil.ignore_patterns(*FORA_DO_KIT))
    gravar_json(destino / "kit.json", {"para": opcoes.para, "pythons": pythons})
    programa = "py" if opcoes.para == "windows" else "python3"
    gravar(destino / "LEIA-ME.txt", LEIA_ME.format(programa=programa).encode("utf-8"))
    tamanho = sum(p.stat().st_size for p in destino.rglob("*") if p.is_file())
    avisar(f"O kit está em {destino} ({tamanho / 1e6:.0f} MB). O LEIA-ME.txt dele diz como usar.")
    return 0


LEIA_ME = """\
O curso inteiro, para um computador sem internet.

1. É preciso ter o Python, da versão 3.11 em diante (https://www.python.org/downloads/).
2. Copie esta pasta para o computador: do pen drive tudo fica mais lento.
3. Na pasta «curso», abra um terminal e rode:

       {programa} curso.py aula --de ..

A instalação leva alguns minutos, e só acontece na primeira vez. Depois basta:

       {programa} curso.py aula
"""


# ---------------------------------------------------------------- meu-curso


def impressao_das_celulas(notebook):
    """Muda quando o texto ou o código muda, e não quando só se rodou o notebook de novo."""
    celulas = json.loads(notebook.decode("utf-8"))["cells"]
    conteudo = [(celula["cell_type"], "".join(celula["source"])) for celula in celulas]
    return impressao(json.dumps(conteudo).encode("ascii"))


def arrumar_meu_curso():
    """Põe em meu-curso/ uma cópia de cada aula e devolve a pasta; o que é do aluno fica como está.

    O registro .origem.json guarda de que original veio cada cópia. Quando o original muda, a
    versão nova é posta ao lado, com «-novo» no nome, uma única vez.
    """
    originais = RAIZ / configuracao()["capitulo"]
    pasta = MEU_CURSO / originais.name
    pasta.mkdir(parents=True, exist_ok=True)
    origem = ler_json(MEU_CURSO / ".origem.json")
    for original in sorted(originais.glob("*.ipynb")):
        origem[original.name] = arrumar_aula(original, pasta, origem.get(original.name, {}))
    gravar_json(MEU_CURSO / ".origem.json", origem)
    return pasta


def arrumar_aula(original, pasta, origem):
    """Cuida da cópia de uma aula; recebe e devolve o que se sabe da origem dela."""
    dados = original.read_bytes()
    try:
        atual = impressao_das_celulas(dados)
    except (ValueError, KeyError):
        raise Falha(
            f"O notebook original {original} está estragado: baixe-o de novo e repita o comando."
        ) from None
    copia = pasta / original.name
    if not copia.exists():
        gravar(copia, dados)
    if copia.read_bytes() == dados:
        return {"copia": atual}
    if atual in (origem.get("copia"), origem.get("novo")):
        return origem
    novo = pasta / f"{original.stem}-novo.ipynb"
    if novo.exists() and impressao(novo.read_bytes()) != origem.get("arquivo_novo"):
        avisar(
            f"Há uma versão mais nova de {original.name}, mas {novo.name} tem mudanças suas: "
            "dê outro nome a ele e rode o comando de novo para receber a versão nova."
        )
        return origem
    gravar(novo, dados)
    avisar(f"A aula {original.name} mudou: a versão nova está ao lado da sua, em {novo.name}.")
    return dict(origem, novo=atual, arquivo_novo=impressao(dados))


# ---------------------------------------------------------------- comandos


def aula(opcoes, extras):
    if opcoes.de:
        abrir_kit(opcoes.de)
    preparar_ambiente(PACOTES)
    pasta = arrumar_meu_curso()
    avisar(f"As suas aulas estão em {pasta}.")
    avisar("Abrindo o JupyterLab. Para encerrar, aperte Ctrl-C duas vezes nesta janela.")
    # Sem novidades da internet, sem a janela em inglês que as oferece e sem linhas de registro.
    jupyter = [
        "--log-level=WARN",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if opcoes.sem_navegador:
        jupyter.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Num contêiner é comum ser root, e o Jupyter se recusaria a abrir.
        jupyter.append("--allow-root")
    # -P: um arquivo do aluno com nome de biblioteca (random.py) não impede a abertura.
    codigo = rodar(["-P", "-m", "jupyterlab", *jupyter, *extras], pasta)
    avisar(f"JupyterLab encerrado. O seu trabalho está em {pasta}.")
    return codigo


def testes(opcoes, extras):
    preparar_ambiente(PACOTES, PACOTES_DOS_TESTES)
    if opcoes.rapidos:
        escolha = ["-m", "not lento", "tests"]
    else:
        escolha = ["--nbval", "tests", configuracao()["capitulo"]]
    # Um processo por núcleo, cada um com um núcleo só: dividir cada conta entre todos seria mais lento.
    escolha += ["-n", str(os.cpu_count() or 1), "--dist", "loadfile"]
    # As lições 07 e 09 têm uma versão curta; com RAPIDO=0 no ambiente, conferem-se as inteiras.
    return rodar(["-m", "pytest", *escolha, *extras], RAIZ, OMP_NUM_THREADS="1", RAPIDO="1")


def capitulo(opcoes, extras):
    preparar_ambiente(PACOTES)
    return rodar([str(RAIZ / "ferramentas" / "capitulo.py"), *extras], RAIZ)


def atualizar(opcoes, extras):
    preparar_ambiente(PACOTES, PACOTES_DOS_TESTES)
    return rodar([str(RAIZ / "ferramentas" / "atualizar.py"), *extras], RAIZ)


def slides(opcoes, extras):
    preparar_ambiente(PACOTES)
    return rodar([str(RAIZ / "ferramentas" / "slides.py"), *extras], RAIZ)


# ---------------------------------------------------------------- linha de comando

# O argparse só fala inglês; estas são as frases dele que aparecem aqui.
PORTUGUES = {
    "usage: ": "uso: ",
    "options": "opções",
    "positional arguments": "argumentos",
    "show this help message and exit": "mostra esta ajuda e sai",
    "argument %(argument_name)s: %(message)s": "%(argument_name)s: %(message)s",
    "unrecognized arguments: %s": "argumento desconhecido: %s",
    "ignored explicit argument %r": "não leva valor, e recebeu %r",
    "invalid choice: %(value)r (choose from %(choices)s)": "não há %(value)r; há %(choices)s",
    "%(prog)s: error: %(message)s\n": "%(prog)s: erro: %(message)s\n",
}


def leitor():
    argparse._ = lambda frase: PORTUGUES.get(frase, frase)
    principal = argparse.ArgumentParser(
        prog="curso.py",
        description="Prepara o ambiente (só na primeira vez) e roda um comando do curso.",
        epilog="O que vier depois de «--» segue para o JupyterLab (aula) ou o pytest (testes).",
    )
    comandos = principal.add_subparsers(title="comandos", dest="comando")

    def comando(funcao, resumo):
        subleitor = comandos.add_parser(
            funcao.__name__, help=resumo, description=resumo, allow_abbrev=False
        )
        subleitor.set_defaults(funcao=funcao)
        return subleitor

    da_aula = comando(aula, "abre as suas aulas no JupyterLab")
    da_aula.add_argument(
        "--sem-navegador", action="store_true", help="mostra o endereço em vez de abrir o navegador"
    )
    da_aula.add_argument("--de", metavar="PASTA", help="instala de um kit, sem internet")
    comando(testes, "roda os testes e confere todos os notebooks").add_argument(
        "--rapidos", action="store_true", help="só os testes rápidos, sem os notebooks"
    )
    comando(capitulo, "roda o capítulo no terminal: o treino, a perda e as histórias")
    do_kit = comando(kit, "junta o curso e os pacotes numa pasta, para salas sem internet")
    do_kit.add_argument("pasta", metavar="PASTA", help="onde montar o kit, por exemplo no pen drive")
    do_kit.add_argument(
        "--para", choices=sorted(PLATAFORMAS), default=ESTE_SISTEMA, metavar="SISTEMA",
        help="windows, linux ou mac (chip Apple); se nada se diz, o sistema deste computador",
    )
    do_kit.add_argument(
        "--python", action="append", choices=PYTHONS_DO_KIT, metavar="VERSÃO",
        help="só para esta versão do Python, como 3.12; pode repetir (padrão: todas)",
    )
    comando(slides, "faz os slides de cada lição, um HTML por lição, na pasta slides")
    comando(atualizar, "para quem escreve o curso: refaz o módulo, os notebooks e o modelo")
    return principal


def separar(argumentos):
    """Parte a linha de comando no primeiro «--»."""
    corte = argumentos.index("--") if "--" in argumentos else len(argumentos)
    return argumentos[:corte], argumentos[corte + 1 :]


def principal(argumentos):
    conferir_versao()
    proprios, extras = separar(argumentos)
    interprete = leitor()
    opcoes, resto = interprete.parse_known_args(proprios)
    if opcoes.comando is None:
        interprete.print_help()
        return 0
    if opcoes.funcao in (capitulo, slides, atualizar):
        extras = resto + extras
    elif resto:
        interprete.error("argumento desconhecido: " + " ".join(resto))
    return opcoes.funcao(opcoes, extras)


def entrada(argumentos):
    """Roda o comando; todo problema previsto acaba numa frase, e não num traceback."""
    for saida in (sys.stdout, sys.stderr):
        # No Windows, a saída redirecionada pode estar em cp1252.
        if hasattr(saida, "reconfigure"):
            saida.reconfigure(encoding="utf-8", errors="replace")
    try:
        return principal(argumentos)
    except Falha as falha:
        texto, codigo = str(falha), 1
    except OSError as erro:
        texto, codigo = explicar(erro), 1
    except KeyboardInterrupt:
        texto, codigo = "Interrompido. Rode o mesmo comando de novo para continuar.", 130
    print(f"\n{texto}", file=sys.stderr)
    return codigo


if __name__ == "__main__":
    sys.exit(entrada(sys.argv[1:]))
