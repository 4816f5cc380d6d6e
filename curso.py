"""Abre o curso: prepara o ambiente uma única vez e roda cada comando dentro dele.

    python3 curso.py aula        (no Windows: py curso.py aula)

Usa só a biblioteca padrão. A sintaxe é a do Python 3.6, para que um Python
antigo chegue a dizer o que falta em vez de parar num erro de sintaxe.
"""

import os
import sys

if __name__ == "__main__":
    # Um arquivo do aluno ao lado deste, com nome de biblioteca (random.py), não é importado no lugar dela.
    sys.path[:] = [p for p in sys.path if p and not os.path.exists(os.path.join(p, "curso.py"))]

import argparse
import errno
import hashlib
import importlib.util
import json
import platform
import re
import shutil
import signal
import subprocess
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # no Windows
    import msvcrt

    fcntl = None

PYTHON_MINIMO = (3, 11)
WINDOWS = sys.platform == "win32"
RAIZ = Path(os.path.abspath(__file__)).parent
AMBIENTE = RAIZ / ".venv"
MEU_CURSO = RAIZ / "meu-curso"

PACOTES = "requirements.txt"
PACOTES_DOS_TESTES = "tests/requirements.txt"
INDICE_DE_CPU = "https://download.pytorch.org/whl/cpu"

# Os computadores para que se faz um kit.
SISTEMAS_DO_KIT = ("linux", "mac", "windows")
ESTE_SISTEMA = {"win32": "windows", "darwin": "mac"}.get(sys.platform, "linux")
PYTHONS_DO_KIT = ("3.11", "3.12", "3.13", "3.14")

# O arquivo mais fundo que a instalação grava, medido com o torch 2.13: uma licença em
# .venv\Lib\site-packages\torch-2.13.0.dist-info\… O Windows só aceita 259 caracteres ao todo.
MAIOR_CAMINHO = 196
LIMITE_DO_WINDOWS = 259


class Falha(Exception):
    """Um problema previsto: o texto diz o que houve e qual é a saída."""


class Encerrado(KeyboardInterrupt):
    """O sistema mandou parar (SIGTERM): acaba como o Ctrl-C, com outro código de saída."""


def avisar(texto):
    try:
        print(texto, flush=True)
    except OSError:
        calar()


def calar():
    """Quem lia a saída foi embora («| head»), ou nela não cabe mais nada: o trabalho segue, sem dizer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---------------------------------------------------------------- endereços


def configuracao():
    """A seção [tool.curso] do pyproject.toml, num dicionário."""
    # Lida sem o tomllib, que só existe desde o 3.11: um Python antigo também precisa do endereço.
    texto = (RAIZ / "pyproject.toml").read_bytes().decode("utf-8", "replace")
    secao = texto.partition("[tool.curso]")[2].partition("\n[")[0]
    lidas = dict(re.findall(r'^(\w+)\s*=\s*"(.+?)"', secao, re.MULTILINE))
    for chave in ("repositorio", "ref", "capitulo"):
        if chave not in lidas:
            raise Falha(
                f"O arquivo {RAIZ / 'pyproject.toml'} está estragado (falta «{chave}» em [tool.curso]): baixe o curso "
                "de novo e rode o comando lá."
            )
    return lidas


def repositorio():
    """O endereço do curso. Se ele falta, outro que não cale a frase de outro problema."""
    try:
        return configuracao()["repositorio"]
    except (Falha, OSError):
        return "https://github.com"


def link_do_colab():
    """O endereço do capítulo no Colab: a saída de quem não consegue rodar aqui. Ele só abre sozinho o que está no GitHub."""
    dono = repositorio().partition("https://github.com/")[2]
    caminho = dono and "/github/{}/blob/{ref}/{capitulo}/notebook.ipynb".format(dono, **configuracao())
    return "https://colab.research.google.com" + caminho


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
    ("relogio", r"certificate is not yet valid|certificate (has|is) expired|not within its validity period"),
    (
        "certificado",
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|self[- ]signed certificate|SSLCertVerificationError",
    ),
    # O pip culpa o certificado também de uma conexão cortada no meio, e de um intermediário que não fala TLS.
    ("rede", r"SSLEOFError|UNEXPECTED_EOF|SSLZeroReturnError|WRONG_VERSION_NUMBER"),
    ("certificado", r"SSLError|problem confirming the ssl certificate"),
    ("caminho", r"File name too long|\[Errno 36\]|\[WinError 206\]|Windows Long Path"),
    ("permissao", r"Error: \[(Errno (1|13|30)|WinError 5)\]"),
    ("venv", r"ensurepip is not available|No module named '?(ensurepip|venv)\b"),
    ("alterado", r"DO NOT MATCH THE HASHES|Wheel '.*' located at .* is invalid"),
    (
        "rede",
        r"NewConnectionError|NameResolutionError|ConnectTimeout|Read ?Timeout|Read timed out"
        r"|Max retries exceeded|Temporary failure in name resolution|getaddrinfo failed"
        r"|Network is unreachable|Connection refused|ConnectionResetError|IncompleteRead"
        r"|ProxyError",
    ),
    ("versao", r"No matching distribution|Could not find a version"),
    ("biblioteca", r"\[WinError (126|127|1114)\]|DLL load failed"),
)

MENSAGENS = {
    "espaco": "Falta espaço no disco: libere ao menos {gigas} GB e rode o comando de novo.",
    "caminho": "O caminho desta pasta é longo demais para o sistema ({pasta}): mova a pasta do "
    "curso para perto da raiz, por exemplo C:\\curso no Windows, e rode o comando de novo.",
    "permissao": "Não há permissão para gravar em {pasta}: mova a pasta do curso para um lugar "
    "seu, como a pasta pessoal, feche o que estiver usando .venv e rode o comando de novo.",
    "venv": "Este Python veio sem o módulo que cria ambientes: no Debian e no Ubuntu, rode "
    "«sudo apt install python{python}-venv»; nos outros sistemas, instale o Python de "
    "https://www.python.org/downloads/. Depois rode o comando de novo.",
    "relogio": "O certificado do servidor de pacotes não vale na data deste computador ({agora}): acerte a data e a "
    "hora e rode o comando de novo; se já estão certas, quem cuida da rede tem de renovar o certificado dela.",
    "certificado": "O certificado do servidor de pacotes não foi reconhecido, e por isso nada se baixou; em geral é a "
    "rede, de escola ou de empresa, que abre as conexões: peça a quem cuida dela o arquivo do certificado (.pem), "
    "ponha o caminho dele na variável de ambiente PIP_CERT e rode o comando de novo, ou use outra rede, ou o "
    "Colab: {colab}",
    "rede": "Não consegui baixar os pacotes: confira a internet (ou o proxy da rede) e rode o "
    "comando de novo; se a rede daqui não deixa, abra o capítulo no Colab: {colab}",
    "alterado": "Um pacote chegou diferente do que o curso registrou, porque o arquivo foi alterado ou cortado "
    "no caminho: rode o comando de novo, em outra rede se puder (se vem de um kit, copie o kit outra vez), e, "
    "se insistir, conte para nós em {relato}",
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


def mensagem(nome, pasta=None):
    return MENSAGENS[nome].format(
        gigas=gigas_necessarios(),
        pasta=pasta or RAIZ,
        agora=time.strftime("%d/%m/%Y, %H:%M"),
        python=este_python(),
        sistema=f"{platform.system()} {platform.machine()}",
        pasta_do_registro=registro(),
        colab=link_do_colab(),
        relato=repositorio() + "/issues",
        kit=KIT.get("pasta"),
        pythons=" ou ".join(KIT.get("pythons", PYTHONS_DO_KIT)),
    )


def onde(erro):
    """O arquivo do erro; numa troca de nomes são dois, e o mais comprido é o provisório."""
    return min((nome for nome in (erro.filename, erro.filename2) if isinstance(nome, str)), key=len, default=None)


def explicar(erro):
    """A frase para um erro do sistema de arquivos."""
    if erro.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return mensagem("espaco")
    if erro.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return mensagem("permissao", onde(erro))
    if erro.errno == errno.ENAMETOOLONG:
        return mensagem("caminho", onde(erro))
    if isinstance(erro, FileNotFoundError):
        return (
            f"A cópia do curso está incompleta (falta {erro.filename}): baixe o curso inteiro de "
            "novo e rode o comando lá."
        )
    if isinstance(erro, IsADirectoryError):
        return f"Há uma pasta onde o curso guarda um arquivo ({erro.filename}): dê outro nome a ela e repita o comando."
    if isinstance(erro, (FileExistsError, NotADirectoryError)):
        return f"Há outra coisa onde o curso guarda uma pasta ({erro.filename}): dê outro nome a ela e repita o comando."
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
    """O dicionário guardado no arquivo; um vazio se ele falta, se estragou ou se guarda outra coisa."""
    try:
        valor = json.loads(caminho.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return valor if isinstance(valor, dict) else {}


def ao_lado(caminho, fim):
    """Um nome que ninguém mais usa, na mesma pasta: «.kit.json.1f0c9a3e.parte»."""
    return caminho.with_name(f".{caminho.name}.{uuid.uuid4().hex[:8]}.{fim}")


def deixados(pasta, nome, fim):
    """O que um processo morto deixou na pasta com um nome de `ao_lado`."""
    forma = re.compile(rf"\.{nome}\.[0-9a-f]{{8}}\.{fim}")
    return [p for p in sorted(pasta.glob(".*." + fim)) if forma.fullmatch(p.name) and not p.is_symlink()]


def varrer(pasta):
    """Apaga o que sobrou de gravações interrompidas; quem chama tem a vez, e nenhuma está em curso."""
    for resto in deixados(pasta, ".+", "parte"):
        if resto.is_file():
            resto.unlink()


def gravar(caminho, dados):
    """Grava inteiro ou não grava: o arquivo velho fica no lugar até o novo estar no disco."""
    if caminho.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(caminho))
    parte = ao_lado(caminho, "parte")
    try:
        with open(str(parte), "xb") as arquivo:
            arquivo.write(dados)
            arquivo.flush()
            os.fsync(arquivo.fileno())
        trocar(parte, caminho)
    except BaseException:
        with suppress(OSError):
            parte.unlink()
        raise


def trocar(de, para):
    """Muda o nome, insistindo um pouco: no Windows, um antivírus segura o arquivo por um instante."""
    for espera in (0.05, 0.1, 0.2, 0.4, 0.8):
        try:
            return os.replace(str(de), str(para))
        except PermissionError:
            time.sleep(espera)
    os.replace(str(de), str(para))


def gravar_json(caminho, valor):
    gravar(caminho, (json.dumps(valor, indent=1) + "\n").encode("ascii"))


def apagar_pasta(pasta):
    """Apaga a pasta inteira, e nunca o que está do outro lado de um atalho."""
    # Primeiro muda de nome: interrompida no meio, não fica uma pasta que parece servir.
    trocar(pasta, ao_lado(pasta, "lixo"))
    esvaziar_lixo(pasta)


def esvaziar_lixo(pasta):
    for lixo in deixados(pasta.parent, re.escape(pasta.name), "lixo"):
        shutil.rmtree(str(lixo), ignore_errors=True)


# ---------------------------------------------------------------- um comando de cada vez

# Os arquivos que este processo segura. O pip os recebe também: a vez só passa quando ele acaba.
SEGURADOS = []


def segurar(numero):
    """Tenta pegar o arquivo só para si; o sistema o solta quando o processo morre, seja como for."""
    if fcntl:
        fcntl.flock(numero, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        os.lseek(numero, 1 << 30, os.SEEK_SET)  # longe do conteúdo, que os outros continuam lendo
        msvcrt.locking(numero, msvcrt.LK_NBLCK, 1)


@contextmanager
def um_por_vez():
    """Só um comando de cada vez prepara o ambiente, meu-curso ou um kit; os outros esperam."""
    arquivo = str(RAIZ / "pyproject.toml")  # um que já existe: nada para criar nem para esquecer
    try:
        numero = os.open(arquivo, os.O_RDWR)  # há redes em que só se segura o que se pode gravar
    except OSError:
        numero = os.open(arquivo, os.O_RDONLY)
    try:
        esperar_a_vez(numero)
        SEGURADOS.append(numero)
        yield
    finally:
        SEGURADOS[:] = [n for n in SEGURADOS if n != numero]
        os.close(numero)


def esperar_a_vez(numero):
    avisado = False
    while True:
        try:
            return segurar(numero)
        except OSError as erro:
            if erro.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
                return  # um disco de rede que não sabe segurar arquivos: sem a vez, mas com a aula
        if not avisado:
            avisar("Outro comando do curso está preparando esta pasta; espero ele acabar…")
            avisado = True
        time.sleep(0.1)


def trava(lista):
    """O arquivo que diz a versão e as impressões de tudo o que a lista pede: sai dela, com «atualizar pinos»."""
    return lista.replace(".txt", ".lock")


def impressao(dados):
    return hashlib.sha256(dados).hexdigest()


# Levariam os comandos a outro Python, ou o pip a instalar fora do ambiente.
DE_OUTRO_PYTHON = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN")


def variaveis():
    """As variáveis de ambiente dos comandos: UTF-8 sempre, e nada de outro Python no caminho."""
    limpas = {k: v for k, v in os.environ.items() if k not in DE_OUTRO_PYTHON}
    limpas.update(PYTHONUTF8="1", PYTHONUNBUFFERED="1", PIP_USER="0")
    if "OMP_WAIT_POLICY" not in limpas:
        # As linhas de execução do torch giram à toa enquanto se esperam, e dois treinos em dois núcleos se atropelam.
        # Girando pouco, um passo leva 163 ms em vez de 3.716 com dois treinos, e o mesmo com um só (no Linux).
        # A segunda variável é a da biblioteca do Windows e do Mac, segundo a documentação dela: não foi medida.
        limpas.setdefault("GOMP_SPINCOUNT", "2000")
        limpas.setdefault("KMP_BLOCKTIME", "0")
    return limpas


# Roda um passo da instalação e o mata, com tudo o que ele abriu, quando a entrada se fecha: é o que acontece quando o
# lançador morre, mesmo sem poder avisar. Assim nenhum pip fica gravando sozinho.
VIGIA = """
import os, signal, subprocess, sys, threading

def vigiar():
    while os.read(0, 1):
        pass
    if os.name == "nt":
        subprocess.call(["taskkill", "/F", "/T", "/PID", str(passo.pid)])
        os._exit(1)
    os.killpg(0, signal.SIGKILL)

passo = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, close_fds=False)
threading.Thread(target=vigiar, daemon=True).start()
sys.exit(passo.wait())
"""


def executar(comando):
    """Um passo da instalação: devolve (código, saída) e guarda tudo no registro."""
    linhas = []
    # Num grupo só dele, o passo não recebe o Ctrl-C do terminal: é o lançador que o encerra.
    if WINDOWS:
        grupo = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:
        grupo = {"start_new_session": True, "pass_fds": SEGURADOS}
    provisorios = AMBIENTE / "provisorio"
    with open(str(registro()), "a", encoding="utf-8") as arquivo, pasta_limpa(provisorios):
        # Um lançador morto à força deixa a marca; quem só baixava, e acaba aqui, a tira.
        marca = not {"install", "venv"}.isdisjoint(comando) and not pela_metade().exists()
        if marca:
            pela_metade().touch()
        processo = subprocess.Popen(
            [python_de_base(), "-I", "-S", "-c", VIGIA, *comando],
            cwd=str(RAIZ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # Sem PYTHONSAFEPATH, um arquivo do aluno com nome de biblioteca entraria no lugar dela.
            env=dict(variaveis(), PYTHONSAFEPATH="1", TMPDIR=str(provisorios), TEMP=str(provisorios), TMP=str(provisorios)),
            **grupo,
        )
        try:
            for linha in processo.stdout:
                linhas.append(linha)
                arquivo.write(linha)
                acompanhar(linha)
        finally:
            processo.stdin.close()
            linhas.extend(processo.stdout)  # o que disse antes de ser encerrado
            codigo = processo.wait()
            processo.stdout.close()
            if marca and not any(linha.startswith(GRAVANDO) for linha in linhas):
                pela_metade().unlink()
    return codigo, "".join(linhas)


def python_de_base():
    """O Python que criou o ambiente em que este roda, que pode ser o que se está refazendo."""
    return getattr(sys, "_base_executable", sys.executable)


@contextmanager
def pasta_limpa(pasta):
    """Uma pasta para o que o pip desembrulha, no disco do curso: o que um pip morto deixou nela sai aqui."""
    shutil.rmtree(str(pasta), ignore_errors=True)
    pasta.mkdir(exist_ok=True)
    try:
        yield
    finally:
        shutil.rmtree(str(pasta), ignore_errors=True)


GRAVANDO = "Installing collected packages"


def acompanhar(linha):
    """Conta o que o pip está baixando e marca a hora em que ele começa a gravar."""
    baixando = re.match(r"\s*Downloading (?:\S*/)?(\w+)-\S+ \(([\d.]+ [MG]B)\)", linha)
    if baixando:
        avisar("  baixando {} ({})".format(baixando.group(1), baixando.group(2).replace(".", ",")))
    if linha.startswith(GRAVANDO):
        pela_metade().touch()
        avisar("  gravando os pacotes…")


# Só pacotes já compilados: falta de versão pronta aparece logo, e não num erro de compilador.
# É ao tentar de novo que o pip conta que a rede falhou; três vezes bastam para saber.
OPCOES_DO_PIP = ("--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--retries", "3")


def executar_pip(comando):
    codigo, saida = executar(comando)
    if codigo != 0 and causa(saida) == "alterado" and not KIT:
        # O pip pode ter guardado o arquivo errado, que voltaria a cada tentativa.
        codigo, saida = executar([*comando, "--no-cache-dir"])
    return codigo, saida


def pip_instala(*argumentos):
    opcoes = [*OPCOES_DO_PIP, *argumentos]
    if KIT:
        opcoes += ["--no-index", "--find-links", str(KIT["pasta"] / "pacotes")]
    codigo, saida = executar_pip([python_do_ambiente(), "-m", "pip", "install", *opcoes])
    if codigo == 0 and pela_metade().exists():
        pela_metade().unlink()
    return codigo, saida


def versao_do_ambiente():
    """A versão do Python do ambiente («3.12»); None se ele não existe ou não arranca."""
    pergunta = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        saida = subprocess.check_output(
            [python_do_ambiente(), "-I", "-c", pergunta], stderr=subprocess.DEVNULL, env=variaveis()
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return saida.decode("ascii", "replace").strip()


def conferir_que_e_ambiente():
    """Só se apaga a .venv que um Python ou este lançador fez: um atalho ou uma pasta de alguém ficam como estão."""
    marcas = ("pyvenv.cfg", registro().name, carimbo().name, pela_metade().name)
    if AMBIENTE.is_symlink() or not AMBIENTE.is_dir():
        raise Falha(f"No lugar do ambiente há um atalho ou um arquivo ({AMBIENTE}): apague-o e rode o comando de novo.")
    if any(AMBIENTE.iterdir()) and not any((AMBIENTE / marca).exists() for marca in marcas):
        raise Falha(
            f"A pasta {AMBIENTE} é onde o curso instala os pacotes, e nela há outras coisas: mude-a de lugar e rode o "
            "comando de novo."
        )


def ambiente_serve():
    versao, guardada = versao_do_ambiente(), ler_json(carimbo()).get("python")
    mesma = versao == guardada or not isinstance(guardada, str)
    return versao is not None and mesma and not pela_metade().exists()


def preparar_ambiente(*listas):
    """Instala as listas de pacotes; o que já está instalado não é refeito nem usa a rede."""
    serve = ambiente_serve()
    instaladas = ler_json(carimbo()) if serve else {}
    pedidas = {lista: impressao((RAIZ / lista).read_bytes() + (RAIZ / trava(lista)).read_bytes()) for lista in listas}
    conferir_travas(listas)
    faltam = [lista for lista in listas if instaladas.get(lista) != pedidas[lista]]
    if not faltam:
        return
    if not serve:
        criar_ambiente()
    # Todas as listas, e não só as que faltam: assim nenhuma versão fixada muda por causa de outra.
    instalar(listas)
    instaladas.update(pedidas, python=versao_do_ambiente())
    gravar_json(carimbo(), instaladas)


def criar_ambiente():
    conferir_computador()
    if os.path.lexists(str(AMBIENTE)):
        conferir_que_e_ambiente()
        avisar("O ambiente em .venv ficou pela metade ou já não funciona aqui: refazendo.")
        apagar_pasta(AMBIENTE)
    esvaziar_lixo(AMBIENTE)
    conferir_disco()
    avisar("Criando o ambiente em .venv…")
    AMBIENTE.mkdir()
    exigir(*executar([python_de_base(), "-m", "venv", str(AMBIENTE)]))


def exigir(codigo, saida):
    """O passo que não deu certo acaba na frase da sua causa."""
    if codigo != 0:
        nome = causa(saida)
        raise Falha(mensagem("kit" if KIT and nome in ("rede", "versao") else nome))


def ler_lista(nome):
    return (RAIZ / nome).read_bytes().decode("utf-8", "replace")


def pedido(lista):
    """O que a lista pede, numa linha: está no alto da trava que se fez dela."""
    linhas = [linha.strip() for linha in ler_lista(lista).splitlines()]
    return "# {}: {}".format(lista, ", ".join(linha for linha in linhas if linha and linha[0] != "#"))


def conferir_travas(listas):
    for lista in listas:
        if pedido(lista) not in ler_lista(trava(lista)).splitlines():
            avisar(
                f"Aviso: {lista} mudou, e a instalação segue {trava(lista)}, que ainda é o de antes: rode "
                "«python3 curso.py atualizar pinos», com internet."
            )


def instalar(listas):
    """O torch antes, sozinho; o resto vem das travas, e o pip recusa o arquivo que não tem a impressão registrada."""
    avisar("Instalando os pacotes do curso (alguns minutos, só desta vez)…")
    instalar_torch()
    travas = [parte for lista in listas for parte in ("-r", str(RAIZ / trava(lista)))]
    exigir(*pip_instala("--no-deps", "--require-hashes", *travas))
    # Aqui só o torch que usa placa NVIDIA ainda pede algo, as bibliotecas dela; nos outros casos nada se baixa.
    exigir(*pip_instala(torch_fixado()))
    conferir_pacotes()


def torch_fixado():
    linha = re.search(r"^torch==\S+", ler_lista(PACOTES), re.MULTILINE)
    if linha is None:
        raise Falha(f"{PACOTES} não diz a versão exata do torch: escreva nele uma linha como «torch==2.13.0» e rode de novo.")
    return linha.group()


def torch_de_cpu(pip):
    """Traz o torch sem CUDA; se o índice dele não responde, avisa e o deixa para o índice configurado."""
    # Desistindo logo da espera.
    codigo, saida = pip("--no-deps", "--timeout", "15", "--retries", "1", "--index-url", INDICE_DE_CPU, torch_fixado())
    if codigo != 0:
        if causa(saida) not in ("rede", "certificado", "versao"):
            raise Falha(mensagem(causa(saida)))
        avisar(
            "O índice do PyTorch não respondeu; o torch virá do índice padrão, com as bibliotecas da placa NVIDIA "
            "(maior: até 10 GB em disco)."
        )
    return codigo == 0


def instalar_torch():
    """O torch sem dependências, que vêm das travas. Sem impressão: a mesma versão tem um arquivo em cada índice."""
    if KIT or not quer_torch_de_cpu() or not torch_de_cpu(pip_instala):
        exigir(*pip_instala("--no-deps", torch_fixado()))


def conferir_pacotes():
    """Prova que tudo carrega, e deixa prontas as fontes do matplotlib para a primeira aula."""
    importar = "import torch, matplotlib.pyplot, ipywidgets, jupyterlab"
    exigir(*executar([python_do_ambiente(), "-c", importar]))


def rodar(comando, pasta, **variaveis_a_mais):
    """Entrega o terminal ao comando: quem responde ao Ctrl-C é ele, e o código de saída é o seu."""
    signal.signal(signal.SIGINT, lambda *_: None)
    ambiente = {**variaveis_a_mais, **variaveis()}
    processo = subprocess.Popen([python_do_ambiente(), *comando], cwd=str(pasta), env=ambiente)
    signal.signal(signal.SIGTERM, lambda *_: processo.terminate())
    codigo = processo.wait()
    return codigo if codigo >= 0 else 128 - codigo


# ---------------------------------------------------------------- instalar de um kit, sem internet

# De onde instalar sem internet: {"pasta": …, "pythons": …}, ou vazio para usar a rede.
KIT = {}


def abrir_kit(pasta):
    """Passa a instalar do kit: a pasta que `curso.py kit` fez, ou a que tem `pacotes/` dentro."""
    pasta = Path(resolver(pasta))
    if not any((pasta / "pacotes").glob("*.whl")):
        raise Falha(
            f"Não há um kit em {pasta}: dê a pasta que «curso.py kit PASTA» criou, a que tem "
            "«pacotes» dentro."
        )
    pythons = ler_json(pasta / "kit.json").get("pythons")
    sabidos = isinstance(pythons, list) and all(isinstance(python, str) for python in pythons)
    KIT.update(pasta=pasta, pythons=pythons if sabidos else PYTHONS_DO_KIT)


def resolver(pasta):
    """O caminho inteiro da pasta que o aluno deu, sem atalhos no meio."""
    if not pasta:
        raise Falha("O nome da pasta veio vazio: escreva-o depois do comando, entre aspas se tiver espaços.")
    try:
        return os.path.realpath(pasta)
    except FileNotFoundError:
        raise Falha("A pasta deste terminal já não existe: abra outro terminal e rode o comando de novo.") from None


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
    if not originais.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(originais))
    pasta = MEU_CURSO / originais.name
    for lugar in (MEU_CURSO, pasta):
        lugar.mkdir(exist_ok=True)
        varrer(lugar)
    registrada = ler_json(MEU_CURSO / ".origem.json")
    origem = {nome: dados for nome, dados in registrada.items() if isinstance(dados, dict)}
    for original in sorted(originais.glob("*.ipynb")):
        origem[original.name] = arrumar_aula(original, pasta, origem.get(original.name, {}))
    if origem != registrada:
        gravar_json(MEU_CURSO / ".origem.json", origem)
    return pasta


def arrumar_aula(original, pasta, origem):
    """Cuida da cópia de uma aula; recebe e devolve o que se sabe da origem dela."""
    dados = original.read_bytes()
    try:
        atual = impressao_das_celulas(dados)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Falha(
            f"O notebook original {original} está estragado: baixe-o de novo e repita o comando."
        ) from None
    copia = pasta / original.name
    # Um atalho, mesmo para um disco desligado, é do aluno tanto quanto um arquivo.
    if not os.path.lexists(str(copia)):
        gravar(copia, dados)
    if lido(copia) == dados:
        return {"copia": atual}
    if atual in (origem.get("copia"), origem.get("novo")):
        return origem
    novo = pasta / f"{original.stem}-novo.ipynb"
    if os.path.lexists(str(novo)) and impressao(lido(novo)) != origem.get("arquivo_novo"):
        avisar(
            f"Há uma versão mais nova de {original.name}, mas {novo.name} tem mudanças suas: "
            "dê outro nome a ele e rode o comando de novo para receber a versão nova."
        )
        return origem
    gravar(novo, dados)
    avisar(f"A aula {original.name} mudou: a versão nova está ao lado da sua, em {novo.name}.")
    return dict(origem, novo=atual, arquivo_novo=impressao(dados))


def lido(arquivo):
    """Os bytes do arquivo; nenhum se o que está ali não se lê."""
    try:
        return arquivo.read_bytes()
    except OSError:
        return b""


# ---------------------------------------------------------------- comandos


def preparar(*listas):
    with um_por_vez():
        preparar_ambiente(*listas)


def aula(opcoes, extras):
    if opcoes.de is not None:
        abrir_kit(opcoes.de)
    with um_por_vez():
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
    preparar(PACOTES, PACOTES_DOS_TESTES)
    if opcoes.rapidos:
        escolha = ["-m", "not lento", "tests"]
    else:
        escolha = ["--nbval", "tests", configuracao()["capitulo"]]
    # Um processo por núcleo, cada um com um núcleo só: dividir cada conta entre todos seria mais lento.
    escolha += ["-n", str(os.cpu_count() or 1), "--dist", "loadfile"]
    # As lições 09 e 11 têm uma versão curta; com RAPIDO=0 no ambiente, conferem-se as inteiras.
    return rodar(["-m", "pytest", *escolha, *extras], RAIZ, OMP_NUM_THREADS="1", RAPIDO="1")


def capitulo(opcoes, extras):
    preparar(PACOTES)
    return rodar([str(RAIZ / "ferramentas" / "capitulo.py"), *extras], RAIZ)


# O capítulo entra por sys.path, e não por PYTHONPATH, que não aceita uma pasta com «:» no nome.
TREINAR = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('apoio.treinar', run_name='__main__')"


def treinar(opcoes, extras):
    pasta = resolver(".")
    preparar(PACOTES)
    # -P: um arquivo do aluno com nome de biblioteca, na pasta de onde ele chama, não entra no lugar dela.
    return rodar(["-P", "-c", TREINAR, str(RAIZ / configuracao()["capitulo"]), *extras], pasta)


def oficina(nome):
    """Um módulo de ferramentas/ que só um comando usa. A pasta entra no fim do caminho, depois da biblioteca padrão."""
    sys.modules.setdefault("curso", sys.modules[__name__])
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    try:
        return importlib.import_module("ferramentas." + nome)
    except ModuleNotFoundError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"ferramentas/{nome}.py") from None


def kit(opcoes, extras):
    return oficina("kit").fazer(opcoes.pasta, opcoes.para, opcoes.python)


def endereco(opcoes, extras):
    return oficina("endereco").mudar(opcoes.url, opcoes.ref)


def atualizar(opcoes, extras):
    preparar(PACOTES, PACOTES_DOS_TESTES)
    return rodar([str(RAIZ / "ferramentas" / "atualizar.py"), *extras], RAIZ)


def slides(opcoes, extras):
    preparar(PACOTES)
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
    "the following arguments are required: %s": "falta dizer %s",
    "expected one argument": "pede um valor",
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
    comando(treinar, "treina um GPTMini com o seu texto e os seus tamanhos; «treinar --ajuda» diz como")
    do_kit = comando(kit, "junta o curso e os pacotes numa pasta, para salas sem internet")
    do_kit.add_argument("pasta", metavar="PASTA", help="onde montar o kit, por exemplo no pen drive")
    do_kit.add_argument(
        "--para", choices=SISTEMAS_DO_KIT, default=ESTE_SISTEMA, metavar="SISTEMA",
        help="windows, linux ou mac (chip Apple); se nada se diz, o sistema deste computador",
    )
    do_kit.add_argument(
        "--python", action="append", choices=PYTHONS_DO_KIT, metavar="VERSÃO",
        help="só para esta versão do Python, como 3.12; pode repetir (padrão: todas)",
    )
    do_endereco = comando(endereco, "para quem fez um fork: põe o endereço dele nos notebooks, nos selos do Colab e no README")
    do_endereco.add_argument("url", nargs="?", metavar="URL", help="o do repositório; se nada se diz, o «origin» deste clone")
    do_endereco.add_argument("--ref", metavar="REF", help="o ramo ou a etiqueta que os alunos abrem (padrão: o que já estava)")
    comando(slides, "faz os slides de cada lição, um HTML por lição, na pasta slides")
    comando(atualizar, "para quem escreve o curso: refaz o módulo, os notebooks e o modelo")
    return principal


def separar(argumentos):
    """Parte a linha de comando no primeiro «--»."""
    corte = argumentos.index("--") if "--" in argumentos else len(argumentos)
    return argumentos[:corte], argumentos[corte + 1 :]


def principal(argumentos):
    conferir_versao()
    if argumentos[:1] == ["treinar"]:
        # Tudo o que vem depois é dele, até o pedido de ajuda.
        return treinar(None, argumentos[2:] if argumentos[1:2] == ["--"] else argumentos[1:])
    proprios, extras = separar(argumentos)
    interprete = leitor()
    opcoes, resto = interprete.parse_known_args(proprios)
    if opcoes.comando is None and not resto:
        interprete.print_help()
        return 0
    if opcoes.comando in ("capitulo", "slides", "atualizar"):
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
    except KeyboardInterrupt as parada:
        texto = "Interrompido. Rode o mesmo comando de novo para continuar."
        codigo = 143 if isinstance(parada, Encerrado) else 130
    print(f"\n{texto}", file=sys.stderr)
    return codigo


def encerrar(*_):
    raise Encerrado


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, encerrar)
    try:
        sys.exit(entrada(sys.argv[1:]))
    finally:
        # Se a saída já se fechou, o Python reclamaria em inglês ao escrever o resto.
        try:
            sys.stdout and sys.stdout.flush()
        except OSError:
            calar()
