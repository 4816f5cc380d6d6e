"""Pontos de retomada: tudo o que um treino precisa para continuar como se nunca tivesse parado, num arquivo só."""

import hashlib
import io
from dataclasses import asdict
from pathlib import Path

import torch

from .arquivos import gravando
from .modelo import GPTMini
from .vetores import CharTokenizer, GPTConfig, WordTokenizer

MARCA = b"gptmini-ponto-1\n"
TOKENIZADORES = {"palavras": (WordTokenizer, " "), "caracteres": (CharTokenizer, "")}


class PontoInvalido(ValueError):
    """O arquivo não é um ponto de retomada, ou veio quebrado."""


def guardar(caminho, model, optimizer, tokenizer, step, **treino):
    """Escreve o ponto; o anterior só some quando este está inteiro no disco. `treino`: o que mais retomar pede."""
    ponto = {
        "config": asdict(model.config), "modelo": model.state_dict(), "otimizador": optimizer.state_dict(), "step": step,
        "tokenizador": "caracteres" if isinstance(tokenizer, CharTokenizer) else "palavras", "vocab": tokenizer.vocab,
        "acaso": torch.get_rng_state(), "acaso_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "treino": treino,
    }
    torch.save(ponto, memoria := io.BytesIO())
    with gravando(caminho) as arquivo:      # o torch.load não percebe um bit trocado; o SHA-256 percebe
        arquivo.write(MARCA + hashlib.sha256(memoria.getbuffer()).digest() + memoria.getbuffer())


def ler(caminho):
    """(ponto, model, tokenizer) de um arquivo feito por `guardar`; nada do arquivo é executado."""
    dados = Path(caminho).read_bytes()
    if not dados.startswith(MARCA):
        raise PontoInvalido(f"{caminho} não é um ponto de retomada deste curso; esperava um feito por gptmini.treinar.")
    resumo, corpo = dados[len(MARCA) : len(MARCA) + 32], dados[len(MARCA) + 32 :]
    if hashlib.sha256(corpo).digest() != resumo:
        raise PontoInvalido(f"{caminho} está quebrado: o conteúdo não é o que foi guardado. Use outro ponto ou recomece o treino.")
    try:
        ponto = torch.load(io.BytesIO(corpo), map_location="cpu", weights_only=True)
        classe, junta = TOKENIZADORES[ponto["tokenizador"]]
        tokenizer, model = classe([junta.join(ponto["vocab"][1:])]), GPTMini(GPTConfig(**ponto["config"]))
        model.load_state_dict(ponto["modelo"])
        if tokenizer.vocab != ponto["vocab"]:
            raise ValueError("vocabulário")
    except Exception as erro:
        raise PontoInvalido(f"{caminho} tem peças que não são as de um ponto deste curso ({type(erro).__name__}).") from erro
    return ponto, model, tokenizer


def retomar(ponto, optimizer):
    """Devolve o otimizador e o acaso ao estado em que estavam; chame-a logo antes de continuar o treino."""
    optimizer.load_state_dict(ponto["otimizador"])
    torch.set_rng_state(ponto["acaso"])
    if ponto["acaso_gpu"] and len(ponto["acaso_gpu"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(ponto["acaso_gpu"])
