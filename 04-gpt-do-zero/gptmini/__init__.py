"""gptmini: o GPT do capítulo 04, definido nas lições e reunido aqui para importar.

As salas que as lições ensinam vêm na hora; as de apoio (confere, historinhas, pronto, veja) só quando alguém as chama.
"""

import importlib
import os

# As linhas de execução do OpenMP esperam girando, e tiram o núcleo de quem trabalha: dois treinos ao mesmo tempo ficariam dezenas de
# vezes mais lentos. Só tem efeito antes de o torch carregar. GOMP é o do Linux; KMP, o do Windows e do Mac (ali, não medido).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "300")
    os.environ.setdefault("KMP_BLOCKTIME", "0")

from .atencao import CausalSelfAttention
from .feedforward import GELU, FeedForward
from .geracao import generate, sample
from .modelo import GPTMini, TransformerBlock
from .residual import LayerNorm
from .treino import Step, batches, evaluate, train, train_steps
from .vetores import CharTokenizer, GPTConfig, UnknownTokenError, WordTokenizer

_SALAS = ("arquivos", "aviso", "cache", "confere", "corpus", "corrida", "historinhas", "interativo", "pesos", "ponto", "por_dentro", "pronto", "publicar", "treinar", "veja")
_NOMES = {"modelo_pronto": "pronto", "KVCache": "cache", "generate_cached": "cache", "carregar_gpt2": "pesos"}

__all__ = [
    "GELU", "CausalSelfAttention", "CharTokenizer", "FeedForward", "GPTConfig", "GPTMini", "LayerNorm", "Step",
    "TransformerBlock", "UnknownTokenError", "WordTokenizer", "batches", "evaluate", "generate", "sample", "train",
    "train_steps", *_SALAS, *_NOMES,
]


def __getattr__(nome):
    """Carrega uma sala de apoio no primeiro uso (PEP 562)."""
    if nome in _SALAS:
        return importlib.import_module(f".{nome}", __name__)
    if nome in _NOMES:
        return getattr(importlib.import_module(f".{_NOMES[nome]}", __name__), nome)
    raise AttributeError(f"o módulo gptmini não tem «{nome}»; tem: {', '.join(__all__)}.")


def __dir__():
    return __all__
