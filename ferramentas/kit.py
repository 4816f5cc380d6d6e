"""O kit: o curso e os pacotes numa pasta, para salas sem internet. É o comando «curso.py kit PASTA».

Quem instala de um kit («aula --de PASTA») não passa por aqui. Usa só a biblioteca padrão e o lançador.
"""

import errno
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

import curso

NAO_VAI = (
    ".venv", ".git", "meu-curso", "meu-modelo", "__pycache__", ".pytest_cache", ".ipynb_checkpoints", ".hypothesis",
    ".ruff_cache",
)
# O que nasce de novo sozinho: não conta como mudança de alguém na cópia do kit.
DE_MAQUINA = (".venv", "__pycache__", ".pytest_cache", ".ipynb_checkpoints")
# O que é de quem usou a cópia do kit, e passa inteiro para a cópia nova.
DE_QUEM_USA = ("meu-curso", "meu-modelo", ".venv")
# Está na cópia que o kit fez, com o resumo de cada arquivo; só uma pasta com ele se troca por outra.
MARCA = ".feito-por-kit.json"

LEIA_ME = """\
O curso inteiro, para um computador sem internet.

1. É preciso ter o Python, da versão 3.11 em diante (https://www.python.org/downloads/).
2. Copie esta pasta para o computador: do pen drive tudo fica mais lento.
3. Na pasta «curso», abra um terminal e rode:

       {programa} curso.py aula --de ..

A instalação leva alguns minutos, e só acontece na primeira vez. Depois basta:

       {programa} curso.py aula
"""


def fazer(pasta, sistema, pythons):
    """Monta o kit na pasta, para o sistema e as versões do Python pedidas."""
    destino = Path(curso.resolver(pasta))
    with curso.um_por_vez():
        with no_disco_do_kit(destino):
            conferir_destino(destino)
            criadas = [pasta for pasta in (destino / "pacotes", destino) if not pasta.exists()]
            nova = abrir_destino(destino)
        try:
            curso.preparar_ambiente(curso.PACOTES)
            montar(destino, nova, sistema, pythons or list(curso.PYTHONS_DO_KIT))
        finally:
            # O que não deu certo não deixa rastro: nem a cópia pela metade, nem pastas vazias.
            shutil.rmtree(nova, ignore_errors=True)
            for vazia in criadas:
                with suppress(OSError):
                    vazia.rmdir()
    return 0


def montar(destino, nova, sistema, pythons):
    pacotes, copia = destino / "pacotes", destino / "curso"
    for python in pythons:
        curso.avisar(f"Juntando os pacotes para {sistema}, Python {python}…")
        juntar_pacotes(pacotes, sistema, python)
    programa = "py" if sistema == "windows" else "python3"
    with no_disco_do_kit(destino):
        tamanho = copiar_curso(nova)
        conferir_destino(destino)  # o pip demora, e nesse tempo alguém pode ter posto algo ali
        por_no_lugar(nova, copia)
        curso.gravar_json(destino / "kit.json", {"para": sistema, "pythons": pythons})
        curso.gravar(destino / "LEIA-ME.txt", LEIA_ME.format(programa=programa).encode("utf-8"))
        tamanho += sum(p.stat().st_size for p in pacotes.glob("*.whl"))
    curso.avisar(f"O kit está em {destino} ({tamanho / 1e6:.0f} MB). O LEIA-ME.txt dele diz como usar.")


def juntar_pacotes(pasta, sistema, python):
    """Baixa para a pasta tudo o que um computador assim precisa para instalar sem rede."""
    pip = str(Path(__file__).with_name("pip_para.py"))
    alvo = [curso.python_do_ambiente(), pip, sistema, python, "download", *curso.OPCOES_DO_PIP, "--dest", str(pasta)]

    def baixar(*argumentos):
        return curso.executar_pip([*alvo, *argumentos])

    torch = curso.torch_fixado()
    if sistema != "linux":
        curso.exigir(*baixar("--no-deps", torch))
    elif not curso.torch_de_cpu(baixar):
        # No Linux, o do índice padrão só carrega com as bibliotecas da placa NVIDIA, que ele pede.
        curso.exigir(*baixar(torch))
    curso.exigir(*baixar("--no-deps", "--require-hashes", "-r", str(curso.RAIZ / curso.trava(curso.PACOTES))))


def dentro(caminho, pasta):
    """Se o caminho é a pasta ou está nela; é o disco que responde, porque nele «Curso» e «curso» podem ser a mesma."""
    caminho, pasta = Path(os.path.realpath(caminho)), Path(os.path.realpath(pasta))
    for lugar in (caminho, *caminho.parents):
        with suppress(OSError):
            if lugar == pasta or os.path.samefile(str(lugar), str(pasta)):
                return True
    return False


def conferir_destino(destino):
    """Recusa a pasta em que montar o kit poria em risco o curso, as aulas do aluno ou coisas de outra pessoa."""
    copia, pacotes = destino / "curso", destino / "pacotes"
    for meu in (curso.RAIZ, curso.MEU_CURSO, curso.AMBIENTE):
        for lugar in (destino, copia, pacotes):
            if dentro(lugar, meu):
                raise curso.Falha(
                    f"O kit não pode ficar dentro do próprio curso ({lugar} fica em {meu}): dê outra pasta, como o pen drive."
                )
            if dentro(meu, lugar):
                raise curso.Falha(
                    f"O kit não pode ficar em {lugar}, onde está o próprio curso ({meu}): dê outra pasta, como o pen drive."
                )
    for lugar in (destino, pacotes, copia):
        if lugar.is_symlink() or (os.path.lexists(lugar) and not lugar.is_dir()):
            raise curso.Falha(f"O kit precisa de uma pasta em {lugar}, e ali há um atalho ou um arquivo: dê outra pasta.")
    if os.path.lexists(copia):
        if not resumos(copia):
            raise curso.Falha(
                f"A pasta {copia} não tem a marca de um kit (é de outra pessoa, ou de uma versão antiga deste comando): "
                "veja se há nela algo seu e mude-a de lugar, ou dê outra pasta ao kit."
            )
        return
    leia_me, ficha = destino / "LEIA-ME.txt", destino / "kit.json"
    primeira_linha = LEIA_ME.partition("\n")[0].encode("utf-8")
    for arquivo, do_kit in ((leia_me, curso.lido(leia_me).startswith(primeira_linha)), (ficha, "pythons" in curso.ler_json(ficha))):
        if os.path.lexists(arquivo) and not do_kit:
            raise curso.Falha(f"Já existe {arquivo}, que não veio de um kit e seria trocado: mude-o de lugar, ou dê outra pasta.")


def abrir_destino(destino):
    """Desfaz ou acaba a troca que um kit interrompido deixou no meio; devolve uma pasta vazia, para montar a cópia."""
    copia = destino / "curso"
    (destino / "pacotes").mkdir(parents=True, exist_ok=True)
    for velha in curso.deixados(destino, "curso", "velha"):
        if os.path.lexists(copia):
            despedir(velha, copia)
        else:
            curso.trocar(velha, copia)
    for parte in curso.deixados(destino, "curso", "parte"):
        shutil.rmtree(parte, ignore_errors=True)
    curso.esvaziar_lixo(copia)
    curso.varrer(destino)
    nova = curso.ao_lado(copia, "parte")
    nova.mkdir()
    return nova


def copiar_curso(nova):
    """Copia só arquivos comuns, porque um atalho pode levar para fora ou dar voltas; devolve o tamanho da cópia."""
    feitos, atalhos, tamanho = {}, [], 0

    def recusar(erro):
        raise erro

    for pasta, subpastas, arquivos in os.walk(curso.RAIZ, onerror=recusar):
        aqui = nova / os.path.relpath(pasta, curso.RAIZ)
        atalhos += [os.path.join(pasta, nome) for nome in subpastas + arquivos if atalho(os.path.join(pasta, nome))]
        subpastas[:] = [nome for nome in subpastas if vai_no_kit(os.path.join(pasta, nome))]
        aqui.mkdir(exist_ok=True)
        for nome in arquivos:
            original = os.path.join(pasta, nome)
            if vai_no_kit(original) and stat.S_ISREG(os.lstat(original).st_mode):
                dados = Path(original).read_bytes()
                (aqui / nome).write_bytes(dados)
                if not curso.WINDOWS:
                    with suppress(OSError):  # um pen drive pode não saber guardar permissões
                        shutil.copymode(original, aqui / nome)
                feitos[(aqui / nome).relative_to(nova).as_posix()] = curso.impressao(dados)
                tamanho += len(dados)
    if atalhos:
        curso.avisar("Ficaram de fora do kit os atalhos, que não levam ao mesmo lugar noutro computador: " + ", ".join(atalhos))
    curso.gravar_json(nova / MARCA, {"arquivos": feitos})  # por último: com a marca, a cópia está inteira
    return tamanho


def atalho(caminho):
    return os.path.islink(caminho) or getattr(os.path, "isjunction", os.path.islink)(caminho)  # o segundo, só no Windows


def vai_no_kit(caminho):
    """O que é do curso; não o que é da máquina, do aluno, um atalho, outro ambiente ou sobra de gravação."""
    nome = os.path.basename(caminho)
    de_fora = nome.lower() in NAO_VAI or nome == MARCA or re.search(r"\.[0-9a-f]{8}\.(parte|lixo)$", nome)
    return not (de_fora or atalho(caminho) or os.path.exists(os.path.join(caminho, "pyvenv.cfg")))


def resumos(copia):
    """{arquivo: resumo} do que o kit pôs na cópia; vazio se ela não tem a marca."""
    arquivos = curso.ler_json(copia / MARCA).get("arquivos")
    return arquivos if isinstance(arquivos, dict) else {}


def por_no_lugar(nova, copia):
    """Troca a cópia velha pela nova. Em todo momento uma das duas está inteira, e `abrir_destino` acha o que faltar."""
    velha = curso.ao_lado(copia, "velha")
    havia = copia.exists()
    try:
        if havia:
            curso.trocar(copia, velha)
        curso.trocar(nova, copia)
    except BaseException:
        if velha.exists() and not copia.exists():
            curso.trocar(velha, copia)
        raise
    if havia:
        despedir(velha, copia)


def despedir(velha, copia):
    """Passa à cópia nova o que é de quem usou a velha, e só apaga a velha se nela não há mais nada de ninguém."""
    for nome in DE_QUEM_USA:
        if os.path.lexists(velha / nome) and not os.path.lexists(copia / nome):
            curso.trocar(velha / nome, copia / nome)
    if not mexida(velha):
        curso.trocar(velha, curso.ao_lado(copia, "lixo"))  # interrompido daqui em diante, já se sabe que é para apagar
        return curso.esvaziar_lixo(copia)
    for numero in range(1, 1000):
        guardada = copia.with_name(f"curso-anterior-{numero}")
        if not os.path.lexists(guardada):
            curso.trocar(velha, guardada)
            curso.avisar(f"Na cópia que estava no kit havia mudanças: ela ficou guardada em {guardada}.")
            return


def mexida(velha):
    """Se há na cópia algum arquivo que o kit não pôs ali, ou que mudou depois."""
    feitos, ilegiveis = resumos(velha), []
    for pasta, subpastas, arquivos in os.walk(velha, onerror=ilegiveis.append):
        subpastas[:] = [nome for nome in subpastas if nome not in DE_MAQUINA]
        for nome in arquivos + [nome for nome in subpastas if atalho(os.path.join(pasta, nome))]:
            arquivo = Path(pasta) / nome
            resumo = None if atalho(arquivo) else curso.impressao(curso.lido(arquivo))
            if feitos.get(arquivo.relative_to(velha).as_posix(), "") != resumo and arquivo != velha / MARCA:
                return True
    return bool(ilegiveis)


@contextmanager
def no_disco_do_kit(destino):
    """O que falha aqui falha no pen drive, e a frase fala dele."""
    try:
        yield
    except OSError as erro:
        raise curso.Falha(explicar_no_kit(erro, destino)) from None


def explicar_no_kit(erro, destino):
    """A frase para um erro do disco em que se monta o kit, que raramente é o do curso."""
    lugar = curso.onde(erro) or destino
    if dentro(lugar, curso.RAIZ):
        return f"Não consegui ler {lugar}, que vai no kit: confira a permissão desse arquivo e rode o comando de novo."
    if erro.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None), errno.EFBIG):
        return f"Falta espaço em {destino}: libere espaço ali, ou dê outra pasta, e rode o comando de novo."
    if erro.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Não há permissão para gravar em {lugar}: feche o que estiver aberto ali, ou dê outra pasta."
    if erro.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP):
        return f"O disco não aceita o nome {lugar}: dê uma pasta de nome mais simples e mais curto."
    if isinstance(erro, (FileExistsError, NotADirectoryError)):
        return f"O kit precisa de uma pasta em {lugar}, e no caminho há um arquivo: dê outra pasta."
    return f"O disco de {destino} recusou uma operação ({erro}): veja se ele ainda está ligado, ou dê outra pasta."
