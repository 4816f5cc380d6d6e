"""O que vem de fora e o que se guarda: baixar, ler sem executar nada, gravar sem deixar pela metade.

Modelos prontos e pontos de retomada guardam modelo e tokenizador de um jeito só: `pecas` os desmonta, `montar` os devolve.
"""

import errno
import functools
import hashlib
import http.client
import io
import json
import math
import os
import pickle
import re
import secrets
import stat
import struct
import time
import unicodedata
import urllib.error
import urllib.request
import zipfile
from contextlib import suppress
from dataclasses import asdict, is_dataclass, replace
from datetime import date
from pathlib import Path, PurePath

import torch
from torch import nn

from gptmini.modelo import GPTMini
from gptmini.pesos import carregar_gpt2
from gptmini.texto import CharTokenizer, WordTokenizer, short
from gptmini.vetores import GPTConfig

from .numeros import numero
from .por_dentro import difere_do_padrao

try:
    import fcntl
except ImportError:      # no Windows
    fcntl = None

PESOS = ("model.safetensors", "pytorch_model.bin")
# Numa revisão fixa, o que se baixa hoje é o que se baixará sempre.
REVISOES = {"pierreguillou/gpt2-small-portuguese": "89a916c041b54c8b925e1a3282a5a334684280cb",
            "openai-community/gpt2": "607a30d783dfa663caf39e06633721c8d4cfcd7e"}
TOKENIZADORES = {"caracteres": CharTokenizer, "palavras": WordTokenizer}      # a mais especial primeiro
ESPERA = 20                               # segundos sem notícia da rede
ESPERAS = (0.05, 0.1, 0.2, 0.4, 0.8)      # entre as tentativas de trocar um arquivo; um antivírus o solta antes disso
MOTIVOS = {
    errno.ENOSPC: "o disco está cheio; libere espaço e grave de novo",
    errno.EDQUOT: "a sua parte do disco está cheia; libere espaço e grave de novo",
    errno.EFBIG: "ele é grande demais para este disco; grave em outro",
    errno.EROFS: "o disco é só de leitura; escolha outra pasta",
    errno.EACCES: "falta permissão; escolha outra pasta, ou peça permissão ao dono desta",
    errno.EPERM: "falta permissão; escolha outra pasta, ou peça permissão ao dono desta",
    errno.EBUSY: "outro programa está com o arquivo aberto; feche-o e grave de novo",
    errno.EISDIR: "esse nome é o de uma pasta; dê o nome de um arquivo",
    errno.ENODEV: "esse nome é o de um aparelho; dê o nome de um arquivo",
    errno.ENOENT: "a pasta não existe, e não dá para criá-la ali; escolha outra",
    errno.ENOTDIR: "no meio do caminho há um arquivo, e não uma pasta; escolha outra",
    errno.EEXIST: "no lugar da pasta há um arquivo; escolha outra",
    errno.ENAMETOOLONG: "o nome é comprido demais; dê um mais curto",
    errno.EINVAL: "o sistema não aceita esse nome; dê outro",
    errno.EIO: "o disco não devolveu o que foi escrito e pode estar com defeito; grave em outro",
}
# O que o torch.load levanta diante de um arquivo estragado: contado em 26 mil estragos sorteados.
ESTRAGOS = (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, LookupError, ValueError, TypeError, AttributeError,
            AssertionError, ArithmeticError, EOFError, struct.error)


class NaoVeio(OSError):
    """Um arquivo que não deu para baixar; a mensagem diz por quê e o que fazer."""


class NaoGravou(OSError):
    """Um arquivo que não deu para gravar; o antigo, se havia, ficou inteiro."""


class Recusado(ValueError):
    """O que veio num arquivo, ou iria para ele, não serve; a mensagem diz o quê."""


def motivo(erro):
    """Por que o sistema não deixou, em português, e o que fazer."""
    return MOTIVOS.get(erro.errno) or f"o sistema respondeu «{erro.strerror or erro}»"


# -- gravar -----------------------------------------------------------------------------------------------

def gravar(caminho, dados):
    """Os bytes, inteiros, no lugar do arquivo antigo, que até a troca fica como estava; com falha, não sobra nada novo.

    Escreve num vizinho de nome sorteado, confere o que o disco devolve e só então troca um pelo outro. Até lá o vizinho
    fica trancado: é assim que a gravação seguinte conhece, e apaga, o que um processo morto deixou.
    """
    try:
        destino = Path(os.path.realpath(caminho))      # de um atalho, grava-se o arquivo que ele aponta
        if not destino.name:
            raise ValueError("a raiz do disco")
    except (TypeError, ValueError):
        raise TypeError(f"o caminho veio {short(caminho)}; esperava o nome de um arquivo.") from None
    novo, arquivo = destino.with_name(f"{destino.name[:40]}.{secrets.token_hex(8)}.parcial"), None
    try:
        modo = _modo(destino)
        destino.parent.mkdir(parents=True, exist_ok=True)
        _varrer(novo)
        arquivo = _abrir(novo)
        arquivo.write(dados)
        arquivo.flush()
        os.fsync(arquivo.fileno())
        arquivo.seek(0)
        if arquivo.read() != dados:
            raise OSError(errno.EIO, "")
        if fcntl is None:
            arquivo.close()                            # o Windows não troca um arquivo aberto
        else:
            estado = os.fstat(arquivo.fileno())
            if modo not in (None, stat.S_IMODE(estado.st_mode)):
                os.fchmod(arquivo.fileno(), modo)
            if not estado.st_nlink:
                os.link(f"/proc/self/fd/{arquivo.fileno()}", novo, src_dir_fd=arquivo.fileno())
        _trocar(novo, destino)
    except OSError as erro:
        # Se já havia o que trocar, a pasta deixa escrever: quem não deixa é outro programa.
        porque = MOTIVOS[errno.EBUSY] if arquivo and isinstance(erro, PermissionError) else motivo(erro)
        nao = NaoGravou(f"não consegui gravar {destino.name:.60} em {destino.parent}: {porque}.")
        nao.errno = erro.errno
        raise nao from erro
    finally:
        with suppress(OSError):
            if arquivo:
                arquivo.close()
        with suppress(OSError):
            novo.unlink()


def _modo(destino):
    """As permissões do arquivo que será trocado, ou None se é novo; pasta, aparelho e arquivo protegido não se trocam."""
    try:
        modo = destino.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(modo):
        raise OSError(errno.EISDIR if stat.S_ISDIR(modo) else errno.ENODEV, "")
    if not os.access(destino, os.W_OK):
        so_leitura = hasattr(os, "statvfs") and os.statvfs(destino).f_flag & os.ST_RDONLY
        raise OSError(errno.EROFS if so_leitura else errno.EACCES, "")
    return stat.S_IMODE(modo)


def _varrer(novo):
    """Apaga o que gravações mortas deste mesmo arquivo deixaram; o que tem dono vivo está trancado, e fica."""
    comeco = novo.name.rsplit(".", 2)[0]
    for resto in novo.parent.iterdir():
        if re.fullmatch(re.escape(comeco) + r"\.[0-9a-f]{16}\.parcial", resto.name):
            with suppress(OSError):
                if fcntl:
                    with open(resto, "r+b") as arquivo:
                        fcntl.flock(arquivo, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        resto.unlink()
                elif time.time() - resto.stat().st_mtime > 600:      # o Windows não apaga um aberto; a folga é a da troca
                    resto.unlink()


def _abrir(novo):
    """O arquivo em que se escreve, já trancado."""
    if arquivo := _sem_nome(novo.parent):
        return _trancado(arquivo)
    while True:
        arquivo = _trancado(open(novo, "x+b"))
        if novo.exists():
            return arquivo
        arquivo.close()                             # foi varrido entre nascer e ser trancado


def _sem_nome(pasta):
    """Um arquivo que só ganha nome depois de inteiro, e de que um processo morto não deixa nada; None onde não há disso."""
    if os.path.isdir("/proc/self/fd"):
        with suppress(AttributeError, OSError):
            return open(os.open(pasta, os.O_TMPFILE | os.O_RDWR, 0o666), "r+b")
    return None


def _trancado(arquivo):
    with suppress(OSError):                         # há discos de rede sem trava: neles, nada se varre
        if fcntl:
            fcntl.flock(arquivo, fcntl.LOCK_EX)
    return arquivo


def _trocar(novo, destino):
    for espera in ESPERAS:
        with suppress(PermissionError):
            return os.replace(novo, destino)
        time.sleep(espera)
    return os.replace(novo, destino)


# -- o modelo e o tokenizador, de um jeito só ---------------------------------------------------------------

def pecas(model, tokenizer):
    """(ficha, pesos): o que um arquivo guarda para devolver os dois iguais; o que não voltaria igual é recusado.

    A ficha é a do modelo como ele está: se a saída foi solta da tabela de embeddings, é isso que ela diz.
    """
    if not isinstance(model, nn.Module) or not is_dataclass(getattr(model, "config", None)):
        raise TypeError(f"model veio {type(model).__name__}; esperava um GPTMini, com a sua ficha em model.config.")
    pesos = {nome: p.detach() for nome, p in model.state_dict().items()}
    fracoes = {m.p for m in model.modules() if isinstance(m, nn.Dropout)}
    try:
        if any(p.is_meta for p in pesos.values()):
            raise Recusado("está no aparelho meta, que só tem formas, sem números")
        if len(fracoes) > 1:
            raise Recusado(f"tem mais de uma fração de dropout ({', '.join(map(str, sorted(fracoes)))}), e a ficha só diz uma")
        config = simples(asdict(model.config)) | {"dropout": fracoes.pop()} if fracoes else simples(asdict(model.config))
        _conferir(config | {"tie_weights": False}, pesos)
        config["tie_weights"] = model.head.weight is model.token_embedding.weight
        if difere := difere_do_padrao(model):
            raise Recusado(f"não faz a conta do GPTMini do curso: {difere}")
    except Recusado as erro:
        raise ValueError(f"o modelo não voltaria igual do arquivo, e não foi guardado: {erro}.") from None
    return {"config": config, **desmontar(tokenizer, config["vocab_size"])}, pesos


def montar(ficha, pesos, tamanho):
    """(model, tokenizer) das peças de um arquivo de `tamanho` bytes; nada é construído antes de as formas baterem."""
    config, vocab = ficha.get("config"), ficha.get("vocab")
    tokenizer = remontar(ficha.get("tokenizador"), vocab)
    if not isinstance(pesos, dict) or not all(isinstance(nome, str) and isinstance(p, torch.Tensor) for nome, p in pesos.items()):
        raise Recusado("os pesos não vieram como um dicionário de tensores")
    tabela = pesos.get("token_embedding.weight")
    if isinstance(config, dict) and config.get("tie_weights", True) and tabela is not None:
        pesos = {"head.weight": tabela} | pesos              # amarrada, a saída pode não ter vindo
    padrao = _conferir(config, pesos)
    config = padrao.config
    if len(vocab) != config.vocab_size:
        raise Recusado(f"o vocabulário tem {len(vocab)} tokens e a ficha diz {config.vocab_size}")
    if config.tie_weights and not torch.equal(tabela, pesos["head.weight"]):
        config = replace(config, tie_weights=False)          # numa ficha antiga, a saída podia ter sido solta sem que ela dissesse
    if sum(p.nbytes for nome, p in pesos.items() if nome != "head.weight" or not config.tie_weights) > tamanho:
        raise Recusado("os pesos são mais do que cabe num arquivo deste tamanho")
    pede = sum(p.nbytes for p in [*padrao.parameters(), *padrao.buffers()])
    if pede > memoria():
        raise Recusado(f"o modelo pede {numero(pede / 1e9, 0)} GB de memória, e aqui há {numero(memoria() / 1e9, 0)} livres")
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        model = GPTMini(config)
    for nome, p in model.named_parameters():
        p.data = pesos[nome].clone()
    return model, tokenizer


def _conferir(config, pesos):
    """O GPTMini desta ficha, só em formas; recusa a ficha que não vale e os pesos que não são os dela."""
    try:
        config = GPTConfig(**config)
    except (TypeError, ValueError) as erro:
        raise Recusado(f"a ficha não vale ({str(erro).rstrip('.')})") from None
    for nome, p in pesos.items():
        if not p.is_floating_point() or p.layout != torch.strided or p.is_meta or p.nbytes > p.untyped_storage().nbytes():
            raise Recusado(f"«{nome}» não é uma tabela de números com vírgula ({p.dtype})")
        if not p.isfinite().all():
            raise Recusado(f"«{nome}» tem números infinitos ou NaN: o treino divergiu")
    if config.n_layers > len(pesos):
        raise Recusado(f"a ficha diz {config.n_layers} blocos, e os pesos não chegam para eles")
    V, T, C = config.vocab_size, config.context_length, config.d_model
    _comparar(pesos, {"token_embedding.weight": (V, C), "position_embedding.weight": (T, C)}, [])
    padrao = _so_formas(config)      # as tabelas existem: daqui em diante nada é grande demais
    _comparar(pesos, {nome: tuple(p.shape) for nome, p in padrao.state_dict().items()}, pesos)
    return padrao


@functools.lru_cache(4)
def _so_formas(config):
    with torch.device("meta"):
        return GPTMini(config)


def _comparar(pesos, certas, todos):
    for nome in [*certas, *todos]:
        veio = tuple(pesos[nome].shape) if nome in pesos else "nada"
        if nome not in certas:
            raise Recusado(f"há nele «{nome}», que o GPTMini desta ficha não tem")
        if veio != certas[nome]:
            raise Recusado(f"em «{nome}» há {veio}, e a ficha pede {certas[nome]}")


def desmontar(tokenizer, vocab_size):
    """O tipo do tokenizador e o vocabulário exato: o bastante para fazer outro igual.

    O tipo se conhece pelo nome das classes, pois a sua pode ser a que você escreveu no notebook, e se confere no uso:
    em algumas centenas de textos e filas de ids, o refeito responde o mesmo.
    """
    classes = [classe.__name__ for classe in type(tokenizer).__mro__]
    tipo = next((tipo for tipo, classe in TOKENIZADORES.items() if classe.__name__ in classes), None)
    if tipo is None:
        raise TypeError(f"tokenizer veio {type(tokenizer).__name__}; esperava um WordTokenizer ou um CharTokenizer.")
    vocab = simples(tokenizer.vocab)
    try:
        refeito = remontar(tipo, vocab)
    except Recusado as erro:
        raise ValueError(f"o tokenizador não voltaria igual do arquivo: {erro}.") from None
    if len(vocab) != vocab_size:
        raise ValueError(f"o tokenizador tem {len(vocab)} tokens e o modelo, {vocab_size}; use o tokenizador com que ele treinou.")
    if type(tokenizer) is type(refeito) and vars(tokenizer) == vars(refeito):
        return {"tokenizador": tipo, "vocab": vocab}      # é o do curso: nada a conferir
    alguns = vocab[1:: max(1, len(vocab) // 50)]
    textos = [forma for t in alguns for forma in (t, t.upper(), t.capitalize(), f" {t}", f"{t}-{t}", unicodedata.normalize("NFD", t))]
    textos += [forma for a, b in zip(alguns, alguns[1:]) for forma in (a + b, f"{a} {b}", f"{a}\n{b}", f"{a}, {b}.")] + ["", "…", "não há"]
    filas = [[*range(len(vocab))], [*range(len(vocab) - 1, 0, -1)], [0], [len(vocab)], [-1]]
    for metodo, entrada in [("encode", t) for t in textos] + [("decode", f) for f in filas]:
        if _resposta(tokenizer, metodo, entrada) != _resposta(refeito, metodo, entrada):
            raise ValueError(f"o tokenizador não voltaria igual do arquivo: {type(tokenizer).__name__}.{metodo}({entrada!r:.40}) não responde "
                             f"o que um {type(refeito).__name__} com o mesmo vocabulário responde.")
    return {"tokenizador": tipo, "vocab": vocab}


def _resposta(tokenizer, metodo, entrada):
    try:
        saida = getattr(tokenizer, metodo)(entrada)
        return saida if isinstance(saida, str) else list(saida)
    except (ValueError, TypeError, LookupError):
        return "recusa"


def remontar(tipo, vocab):
    """O tokenizador deste tipo com exatamente este vocabulário: juntar os tokens e separá-los de novo mudaria alguns."""
    if not isinstance(tipo, str) or tipo not in TOKENIZADORES:
        raise Recusado(f"o tipo do tokenizador é {tipo!r:.30}, e esperava {' ou '.join(TOKENIZADORES)}")
    if not isinstance(vocab, list) or not all(isinstance(t, str) for t in vocab) or len(vocab) < 2 or len({*vocab}) < len(vocab):
        raise Recusado("o vocabulário não é uma lista de tokens diferentes")
    tokenizer = object.__new__(TOKENIZADORES[tipo])
    tokenizer.vocab, tokenizer.fim, tokenizer.vocab_size = vocab, 0, len(vocab)
    tokenizer.ids = {token: i for i, token in enumerate(vocab)}
    return tokenizer


def simples(valor, tensores=False, nivel=0):
    """O mesmo valor só com tipos do Python (e tensores, se podem ir), que o leitor aceita; o que não cabe neles é recusado."""
    if valor is None or (tensores and isinstance(valor, torch.Tensor)):
        return valor
    if isinstance(valor, (bool, float, str)) or (isinstance(valor, int) and abs(valor) < 2**63):
        return next(tipo(valor) for tipo in (bool, int, float, str) if isinstance(valor, tipo))
    if isinstance(valor, (PurePath, date)):
        return str(valor)
    if nivel < 20:
        if isinstance(valor, dict):
            return {simples(nome, nivel=20): simples(v, tensores, nivel + 1) for nome, v in valor.items()}
        if isinstance(valor, (list, tuple, set)):
            return (tuple if isinstance(valor, tuple) else list)(simples(v, tensores, nivel + 1) for v in valor)
        if isinstance(valor, torch.Tensor) and (valor.is_meta or valor.is_nested or valor.layout != torch.strided):
            raise TypeError(f"um tensor {'sem números' if valor.is_meta else 'esparso'} não cabe no arquivo; guarde um tensor comum.")
        if isinstance(valor, torch.Tensor) or hasattr(valor, "__array__"):      # tensores, números e matrizes do NumPy
            return simples(valor.tolist(), tensores, nivel + 1)
    raise TypeError(f"{short(valor)} não cabe no arquivo; guarde números, textos, ou listas e dicionários deles.")


def memoria():
    """Quantos bytes de memória a máquina tem livres; infinito onde não se consegue saber."""
    try:
        import psutil
    except ImportError:
        return math.inf
    return psutil.virtual_memory().available


def empacotar(marca, conteudo):
    """Os bytes de um arquivo: a marca, o SHA-256 (o torch.load não percebe um bit trocado; ele percebe) e o conteúdo."""
    torch.save(conteudo, corpo := io.BytesIO())
    return b"".join((marca, hashlib.sha256(corpo.getbuffer()).digest(), corpo.getbuffer()))


def desempacotar(marca, dados):
    corpo = memoryview(dados)[len(marca) + 32:]
    if hashlib.sha256(corpo).digest() != dados[len(marca) : len(marca) + 32]:
        raise Recusado("está quebrado, pois o conteúdo não é o que foi guardado")
    return abrir(corpo)


def abrir(corpo):
    """O dicionário de um torch.save, sem executar nada do que vem nele, e sem que ele cresça ao abrir."""
    try:
        with zipfile.ZipFile(io.BytesIO(corpo)) as pacote:
            if sum(peca.file_size for peca in pacote.infolist()) > len(corpo):
                raise Recusado("traz peças comprimidas, que um arquivo do curso não tem")
        conteudo = torch.load(io.BytesIO(corpo), map_location="cpu", weights_only=True)
    except Recusado:
        raise
    except ESTRAGOS as erro:
        raise Recusado(f"está quebrado, ou traz mais do que números e textos ({type(erro).__name__})") from erro
    if not isinstance(conteudo, dict):
        raise Recusado("não traz as peças de um modelo")
    return conteudo


def ler_bytes(caminho, *marcas):
    """O conteúdo de um arquivo comum que começa com uma das marcas; o que prenderia a leitura para sempre é recusado."""
    try:
        modo = Path(caminho).stat().st_mode
        if stat.S_ISDIR(modo):
            raise Recusado("é uma pasta")
        if not stat.S_ISREG(modo):
            raise Recusado("é um aparelho ou uma fila, e não um arquivo")
        with open(caminho, "rb") as arquivo:
            if not os.fstat(arquivo.fileno()).st_size:
                raise Recusado("está vazio")
            if not arquivo.peek(64).startswith(marcas):
                raise Recusado("é de outro tipo")
            return arquivo.read()
    except FileNotFoundError:
        raise FileNotFoundError(f"não achei {short(str(caminho))}; a busca partiu de {Path.cwd()}.") from None
    except Recusado:
        raise
    except (TypeError, ValueError):
        raise TypeError(f"o caminho veio {short(caminho)}; esperava o nome de um arquivo.") from None
    except OSError as erro:
        raise Recusado(f"não se deixa ler, pois {motivo(erro).split(';')[0]}") from erro


# -- baixar -----------------------------------------------------------------------------------------------

CERTIFICADO = ("o certificado do servidor não foi aceito. Confira a data e a hora do computador; se a rede é de uma escola, um proxy pode estar "
               "no meio: peça o certificado dele e aponte para ele a variável SSL_CERT_FILE.")


def sha256(caminho):
    with open(caminho, "rb") as arquivo:
        return hashlib.file_digest(arquivo, "sha256").hexdigest()


def baixar(url, resumo, destino):
    """Traz `url` para `destino` e confere o SHA-256; com falha, não fica arquivo nenhum. O que já veio não vem outra vez."""
    destino = Path(destino)
    try:
        if destino.exists() and sha256(destino) == resumo:
            return destino
        destino.parent.mkdir(parents=True, exist_ok=True)
    except OSError as erro:
        raise NaoVeio(f"não consegui usar {destino}: {motivo(erro)}.") from erro
    try:
        with urllib.request.urlopen(url, timeout=ESPERA) as resposta:      # sem prazo, uma rede muda prenderia a aula
            dados = resposta.read()
        if hashlib.sha256(dados).hexdigest() != resumo:
            raise http.client.IncompleteRead(dados)
        gravar(destino, dados)
    except NaoGravou as erro:
        raise NaoVeio(str(erro)) from erro
    except http.client.IncompleteRead as erro:
        raise NaoVeio(f"o que veio de {url} não é o arquivo esperado: a conexão caiu no meio ou ele mudou lá.") from erro
    except urllib.error.HTTPError as erro:
        raise NaoVeio(f"o servidor respondeu {erro.code} a {url}.") from erro
    except (http.client.HTTPException, OSError) as erro:
        raise NaoVeio(f"{url} não veio: {CERTIFICADO}" if certificado(erro) else f"sem resposta de {url}; confira a internet.") from erro
    return destino


def certificado(erro):
    """Se a causa de um erro de rede foi um certificado recusado."""
    while erro is not None and not re.search("SSLCertVerificationError|CERTIFICATE_VERIFY_FAILED", repr(erro)):
        erro = erro.__cause__ or erro.__context__
    return erro is not None


def do_hub(nome, revisao):
    """Um modelo do Hugging Face, numa revisão fixa -> a pasta com a ficha e um arquivo de pesos."""
    try:
        from huggingface_hub import errors, snapshot_download
    except ImportError:
        raise NaoVeio("baixar do Hugging Face pede mais pacotes: pip install transformers") from None
    try:
        from httpx import HTTPError  # de que o huggingface_hub é feito, nas versões de hoje
    except ImportError:
        HTTPError = OSError
    try:
        for arquivo in PESOS:
            pasta = Path(snapshot_download(nome, revision=revisao, allow_patterns=["config.json", arquivo]))
            if (pasta / arquivo).exists():
                return pasta
    except (errors.EntryNotFoundError, errors.HFValidationError, errors.LocalTokenNotFoundError, OSError, HTTPError) as erro:
        porque = CERTIFICADO if certificado(erro) else "confira o nome e a internet."
        if getattr(erro, "errno", None) in MOTIVOS:
            porque = f"{motivo(erro)}."
        raise NaoVeio(f"{nome} não veio do Hugging Face ({type(erro).__name__}): {porque}") from erro
    raise NaoVeio(f"{nome} não tem {' nem '.join(PESOS)}; se vem em pedaços, {JUNTAR}")


# Uma pasta com o modelo em pedaços vira uma com o modelo inteiro.
JUNTAR = ("junte-os com a biblioteca transformers: AutoModelForCausalLM.from_pretrained(origem).save_pretrained(pasta, "
          "max_shard_size='1TB').")


def ler_modelo(origem):
    """({nome: tensor}, config.json) de uma pasta, de um nome de REVISOES ou de «dono/nome@revisão»; nada do que vem é executado."""
    if not isinstance(origem, (str, Path)):
        raise TypeError(f"origem veio {short(origem)}; esperava uma pasta, «dono/nome@revisão» ou um destes: {', '.join(REVISOES)}.")
    dono_e_nome, _, revisao = str(origem).partition("@")
    revisao = revisao or REVISOES.get(dono_e_nome)
    if not revisao and not os.path.isdir(origem):
        raise FileNotFoundError(f"{short(str(origem))} não é uma pasta, nem «dono/nome@revisão», nem um destes: {', '.join(REVISOES)}.")
    pasta = Path(origem if os.path.isdir(origem) else do_hub(dono_e_nome, revisao))
    pesos, config = next((pasta / nome for nome in PESOS if (pasta / nome).is_file()), None), pasta / "config.json"
    if pesos is None and [*pasta.glob("*-00001-of-*"), *pasta.glob("*.index.json")]:
        raise ValueError(f"em {pasta} o modelo está em pedaços; {JUNTAR}")
    if pesos is None or not config.is_file():
        raise FileNotFoundError(f"a pasta {pasta} não tem um modelo: esperava config.json e {' ou '.join(PESOS)}.")
    try:
        for arquivo in (pesos, config):
            with open(arquivo, "rb") as inicio:
                if inicio.read(23) == b"version https://git-lfs":
                    raise ValueError(f"{arquivo} é só o bilhete que o Git LFS deixa no lugar do arquivo: rode «git lfs pull» na pasta dele, "
                                     "ou baixe-o pela página do modelo.")
    except OSError as erro:
        raise PermissionError(f"não consegui ler {arquivo}: {motivo(erro).split(';')[0]}.") from erro
    estragos = (*ESTRAGOS, OSError)      # num arquivo cortado, o torch procura o que está antes do começo
    if pesos.suffix != ".bin":
        try:
            from safetensors import SafetensorError
            from safetensors.torch import load_file
        except ImportError:
            raise ImportError(f"ler {pesos.name} pede mais um pacote: pip install safetensors") from None
        estragos = (*estragos, SafetensorError)
    try:
        ficha = json.loads(config.read_text(encoding="utf-8"))
        tensores = load_file(pesos) if pesos.suffix != ".bin" else torch.load(pesos, map_location="cpu", weights_only=True)
        if not isinstance(ficha, dict) or not isinstance(tensores, dict) or not all(isinstance(p, torch.Tensor) for p in tensores.values()):
            raise TypeError("não são uma ficha e um dicionário de tensores")
    except estragos as erro:
        raise ValueError(f"em {pasta} há um arquivo quebrado, ou que traz mais do que pesos ({type(erro).__name__}).") from erro
    return {nome: p.float() if p.is_floating_point() else p for nome, p in tensores.items()}, ficha


def abrir_gpt2(origem):
    """Um GPT-2 publicado, já num `GPTMini`: `ler_modelo` e `carregar_gpt2`, um depois do outro."""
    return carregar_gpt2(*ler_modelo(origem))
