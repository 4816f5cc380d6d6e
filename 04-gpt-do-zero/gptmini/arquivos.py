"""O que vem de fora e o que se guarda: baixar, ler sem executar nada, gravar sem deixar pela metade."""

import errno
import hashlib
import http.client
import json
import os
import socket
import urllib.error
from contextlib import contextmanager
from pathlib import Path

import torch

PESOS = ("model.safetensors", "pytorch_model.bin")
ESPERA = 20      # segundos sem notícia da rede
MOTIVOS = {errno.ENOSPC: "o disco está cheio", errno.EACCES: "falta permissão", errno.EROFS: "o disco é só de leitura"}


class NaoVeio(OSError):
    """Um arquivo que não deu para baixar; a mensagem diz por quê e o que fazer."""


def sha256(caminho):
    with open(caminho, "rb") as arquivo:
        return hashlib.file_digest(arquivo, "sha256").hexdigest()


def baixar(url, resumo, destino):
    """Traz `url` para `destino` e confere o SHA-256; com falha, não fica arquivo nenhum. O que já veio não vem outra vez."""
    destino = Path(destino)
    de_antes = socket.getdefaulttimeout()
    try:
        if destino.exists() and sha256(destino) == resumo:
            return destino
        destino.parent.mkdir(parents=True, exist_ok=True)
        socket.setdefaulttimeout(ESPERA)      # sem isto, uma rede muda prenderia a aula para sempre
        torch.hub.download_url_to_file(url, str(destino), hash_prefix=resumo, progress=False)
    except RuntimeError as erro:              # é como o torch.hub diz que o SHA-256 não bate
        raise NaoVeio(f"o que veio de {url} não é o arquivo esperado: a conexão caiu no meio ou ele mudou lá.") from erro
    except urllib.error.HTTPError as erro:
        raise NaoVeio(f"o servidor respondeu {erro.code} a {url}.") from erro
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as erro:
        raise NaoVeio(f"sem resposta de {url}; confira a internet.") from erro
    except OSError as erro:
        motivo = MOTIVOS.get(erro.errno, erro.strerror)
        raise NaoVeio(f"não consegui gravar {destino.name} na pasta {destino.parent}: {motivo}.") from erro
    finally:
        socket.setdefaulttimeout(de_antes)
    return destino


def do_hub(nome, revisao):
    """Um modelo do Hugging Face, numa revisão fixa -> a pasta com a ficha e um arquivo de pesos."""
    try:
        from huggingface_hub import snapshot_download

        for arquivo in PESOS:
            pasta = Path(snapshot_download(nome, revision=revisao, allow_patterns=["config.json", arquivo]))
            if (pasta / arquivo).exists():
                break
        return pasta
    except ImportError:
        raise NaoVeio("baixar do Hugging Face pede mais pacotes: pip install transformers") from None
    except Exception as erro:
        raise NaoVeio(f"{nome} não veio do Hugging Face ({type(erro).__name__}); confira o nome e a internet.") from erro


def ler_modelo(pasta):
    """Pasta -> (config.json, {nome: tensor}); nada do que vem nos arquivos é executado."""
    pasta = Path(pasta)
    pesos = next((pasta / nome for nome in PESOS if (pasta / nome).exists()), None)
    if pesos is None or not (pasta / "config.json").exists():
        raise FileNotFoundError(f"a pasta {pasta} não tem um modelo: esperava config.json e {' ou '.join(PESOS)}.")
    try:
        ficha = json.loads((pasta / "config.json").read_text(encoding="utf-8"))
        if pesos.suffix == ".bin":
            tensores = torch.load(pesos, map_location="cpu", weights_only=True)
        else:
            from safetensors.torch import load_file

            tensores = load_file(pesos)
        return dict(ficha), {nome: tensor.float() for nome, tensor in tensores.items()}
    except ImportError:
        raise ImportError(f"ler {pesos.name} pede mais um pacote: pip install safetensors") from None
    except Exception as erro:
        raise ValueError(f"em {pasta} há um arquivo quebrado, ou que traz mais do que pesos ({type(erro).__name__}).") from erro


@contextmanager
def gravando(caminho):
    """Um arquivo aberto para escrever que só toma o lugar do antigo quando está inteiro no disco."""
    caminho = Path(caminho)
    parcial = caminho.with_name(caminho.name + ".parcial")
    try:
        with open(parcial, "wb") as arquivo:
            yield arquivo
            arquivo.flush()
            os.fsync(arquivo.fileno())
        os.replace(parcial, caminho)
    finally:
        parcial.unlink(missing_ok=True)
