"""gptmini: o GPT do capítulo 04. Cada definição daqui é ensinada, e exportada, por uma lição."""

import os
import sys

# As linhas de execução do OpenMP esperam girando, e tiram o núcleo de quem trabalha: dois treinos ao mesmo tempo ficariam dezenas de
# vezes mais lentos. Só tem efeito antes de o torch carregar. GOMP é o do Linux; KMP, o do Windows e do Mac (ali, não medido).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    os.environ.setdefault("KMP_BLOCKTIME", "0")

from .atencao import CausalSelfAttention
from .cache import KVCache, generate_cached
from .feedforward import GELU, FeedForward
from .geracao import generate, sample
from .modelo import GPTMini, TransformerBlock
from .pesos import carregar_gpt2
from .residual import LayerNorm
from .treino import Step, batches, evaluate, train, train_steps
from .texto import CharTokenizer, UnknownTokenError, WordTokenizer
from .vetores import GPTConfig

__all__ = [
    "GELU", "CausalSelfAttention", "CharTokenizer", "FeedForward", "GPTConfig", "GPTMini", "KVCache", "LayerNorm", "Step",
    "TransformerBlock", "UnknownTokenError", "WordTokenizer", "batches", "carregar_gpt2", "evaluate", "generate",
    "generate_cached", "sample", "train", "train_steps",
]


class _Mudou:
    """Quem abre uma cópia antiga de uma lição lê o que fazer."""
    def find_spec(nome, *_):
        casa, _, sala = nome.partition(".")
        if casa == "gptmini" and sala in ("arquivos aviso confere corpus corrida historinhas interativo modelo_pronto ponto por_dentro "
                                          "pronto publicar treinar veja").split():
            raise ImportError(f"esta lição é uma cópia antiga: «{sala}» foi para apoio. Troque gptmini por apoio neste import, ou abra a lição nova.")
sys.meta_path.append(_Mudou)
