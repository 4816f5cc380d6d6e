import math

import torch


def check_sampling(temperature, top_k):
    """Recusa, em português, temperatura e top_k sem sentido."""
    if not isinstance(temperature, (int, float)) or math.isnan(temperature) or temperature < 0:
        raise ValueError(f"temperature veio {temperature!r}; esperava um número a partir de 0 (0 escolhe o mais provável).")
    if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
        raise ValueError(f"top_k veio {top_k!r}; esperava um inteiro a partir de 1, ou None para usar o vocabulário todo.")


def sample(logits, temperature=1.0, top_k=None, generator=None):
    """Sorteia um id por linha: logits (B, V) -> ids (B,); também aceita (V,) -> ().

    temperature 0 escolhe o mais provável; top_k limita o sorteio aos k mais prováveis (Fan et al., 2018, §5.1).
    """
    check_sampling(temperature, top_k)
    if temperature == 0:
        return logits.argmax(-1)                                               # (B,)
    V = logits.size(-1)
    values, ids = logits.topk(V if top_k is None else min(top_k, V))           # (B, k)
    probs = ((values - values[..., :1]) / temperature).softmax(-1)             # (B, k)
    choice = torch.multinomial(probs, 1, generator=generator)                  # (B, 1)
    return ids.gather(-1, choice).squeeze(-1)                                  # (B,)


def check_prompt(idx, max_new_tokens):
    """Recusa, em português, um começo que o modelo não teria como continuar."""
    if not isinstance(idx, torch.Tensor) or idx.dim() != 2 or idx.size(1) == 0:
        veio = tuple(idx.shape) if isinstance(idx, torch.Tensor) else type(idx).__name__
        raise ValueError(f"idx veio {veio}; esperava ids (B, T) com T >= 1. Para começar do nada, use o token <fim>: torch.tensor([[0]]).")
    if not isinstance(max_new_tokens, int) or max_new_tokens < 0:
        raise ValueError(f"max_new_tokens veio {max_new_tokens!r}; esperava um inteiro a partir de 0.")


@torch.no_grad()
def generate(model, idx, max_new_tokens, temperature=1.0, top_k=None, stop=None, generator=None):
    """Continua cada linha de idx, um token por vez: (B, T) -> (B, T + n), com n <= max_new_tokens.

    Com `stop`, a linha que o deu é preenchida com ele, e tudo acaba quando todas deram; sem `stop`, n é max_new_tokens.
    O modelo enxerga só os últimos `context_length` tokens, e volta ao modo (treino ou avaliação) em que estava.
    """
    check_prompt(idx, max_new_tokens)
    check_sampling(temperature, top_k)
    was_training = model.training
    model.eval()
    try:
        done = torch.zeros(idx.size(0), dtype=torch.bool, device=idx.device)    # (B,)
        for _ in range(max_new_tokens):
            window = idx[:, -model.config.context_length :]                     # (B, até context_length)
            logits = model(window)[0][:, -1]                                    # (B, V)
            new = sample(logits, temperature, top_k, generator)                 # (B,)
            if stop is not None:
                new = new.masked_fill(done, stop)
                done |= new == stop
            idx = torch.cat([idx, new[:, None]], dim=1)                         # (B, T + 1)
            if stop is not None and done.all():
                break
    finally:
        model.train(was_training)
    return idx
