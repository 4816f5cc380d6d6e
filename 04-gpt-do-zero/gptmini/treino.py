import math
import time
from dataclasses import dataclass

import torch

from gptmini.modelo import GPTMini
from gptmini.vetores import GPTConfig


def check_examples(examples, context_length):
    """Recusa, em português, exemplos com que não há o que treinar."""
    if not len(examples):
        raise ValueError("recebi zero exemplos; passe uma lista de listas de ids, ou uma lista longa de ids.")
    if isinstance(examples[0], int):
        if len(examples) <= context_length:
            raise ValueError(f"o texto tem {len(examples)} tokens; para context_length={context_length} são precisos mais de {context_length}.")
        return
    for i, row in enumerate(examples):
        if not 2 <= len(row) <= context_length + 1:
            raise ValueError(f"o exemplo {i} tem {len(row)} tokens; com context_length={context_length}, esperava de 2 a {context_length + 1}.")


def padded(rows):
    """Listas de ids -> (x, y), cada um (B, T): y é x adiantado de um token; a sobra de y vale -100."""
    T = max(map(len, rows)) - 1
    x = torch.zeros(len(rows), T, dtype=torch.long)                 # (B, T)
    y = torch.full((len(rows), T), -100)                            # (B, T)
    for i, row in enumerate(rows):
        ids = torch.tensor(row)
        x[i, : len(row) - 1], y[i, : len(row) - 1] = ids[:-1], ids[1:]
    return x, y


def batches(examples, batch_size, context_length, generator):
    """Lotes (x, y) sem fim, cada um (B, T), em ordem sorteada por `generator`.

    examples: lista de listas de ids (um exemplo por linha) ou uma lista longa de ids (janelas sorteadas do texto).
    """
    check_examples(examples, context_length)

    def rows():
        while True:
            if isinstance(examples[0], int):
                starts = torch.randint(len(examples) - context_length, (batch_size,), generator=generator)
                yield [examples[s : s + context_length + 1] for s in starts.tolist()]
            else:
                order = torch.randperm(len(examples), generator=generator).tolist()
                for i in range(0, len(order), batch_size):
                    yield [examples[j] for j in order[i : i + batch_size]]

    return map(padded, rows())


@torch.no_grad()
def evaluate(model, examples):
    """A perda média em nats por token, com o `<fim>` na conta, sem mexer no modelo."""
    T = model.config.context_length
    check_examples(examples, T)
    if isinstance(examples[0], int):
        examples = [examples[i : i + T + 1] for i in range(0, len(examples) - 1, T)]
    device, was_training, nats, tokens = next(model.parameters()).device, model.training, 0.0, 0
    model.eval()
    for i in range(0, len(examples), 64):
        x, y = (t.to(device) for t in padded(examples[i : i + 64]))    # (B, T)
        count = (y != -100).sum().item()
        nats, tokens = nats + model(x, y)[1].item() * count, tokens + count
    model.train(was_training)
    return nats / tokens


@dataclass(frozen=True)
class Step:
    """O retrato de um passo de treino."""

    step: int
    train_loss: float            # nats por token, no lote deste passo
    val_loss: float | None       # nats por token na validação; None nos passos em que não se mede
    seconds: float               # desde o começo do treino
    tokens: int                  # quantos tokens já foram vistos


def warmup_then_decay(step, steps):
    """Fração da taxa de aprendizado no passo (de 1 a steps): sobe em 5% do treino e desce em linha reta."""
    warmup = max(1, steps // 20)
    return min(step / warmup, (steps - step + 1) / (steps - warmup + 1))


def check_training(steps, batch_size, lr):
    for nome, valor in (("steps", steps), ("batch_size", batch_size)):
        if not isinstance(valor, int) or valor < 1:
            raise ValueError(f"{nome} veio {valor!r}; esperava um inteiro a partir de 1.")
    if not 0 < lr < math.inf:
        raise ValueError(f"lr veio {lr!r}; esperava um número maior que zero, como 3e-3.")


def train_steps(model, examples, *, validation=None, steps, batch_size, lr, seed=0, device=None):
    """Treina com AdamW (Loshchilov & Hutter, 2019) e entrega um `Step` por passo, na hora em que acontece.

    device: onde treinar; None deixa o modelo onde está. A mesma semente sorteia os mesmos lotes.
    Perda que não é um número levanta `FloatingPointError` antes de o passo mexer nos pesos.
    """
    check_training(steps, batch_size, lr)
    stream = batches(examples, batch_size, model.config.context_length, torch.Generator().manual_seed(seed))
    device = device or next(model.parameters()).device
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    start, tokens = time.perf_counter(), 0
    for step in range(1, steps + 1):
        model.train()
        x, y = (t.to(device) for t in next(stream))                    # (B, T)
        loss = model(x, y)[1]
        if not torch.isfinite(loss):
            raise FloatingPointError(f"a perda deixou de ser um número no passo {step}; o modelo ficou como no passo anterior. Tente lr menor que {lr}.")
        optimizer.param_groups[0]["lr"] = lr * warmup_then_decay(step, steps)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        tokens += (y != -100).sum().item()
        measure = validation and (step % max(1, steps // 10) == 0 or step == steps)
        val_loss = evaluate(model, validation) if measure else None
        yield Step(step, loss.item(), val_loss, time.perf_counter() - start, tokens)


def train(model, examples, *, on_step=None, **options):
    """Roda `train_steps` até o fim, com uma linha de progresso: -> lista de `Step`.

    `on_step(step)` é chamada a cada passo; se devolver False, o treino para. Interromper a célula também para,
    e devolve o que já foi feito.
    """
    history = []
    try:
        for step in train_steps(model, examples, **options):
            history.append(step)
            if step.step % max(1, options["steps"] // 50) == 0:
                print(f"\rpasso {step.step:>5}/{options['steps']}  perda {step.train_loss:.3f}  {step.seconds:5.0f} s", end="")
            if on_step is not None and on_step(step) is False:
                break
    except KeyboardInterrupt:
        print(f"\ninterrompido no passo {len(history)}; o modelo fica como está.", end="")
    print()
    return history


RECEITA = {"steps": 1000, "batch_size": 32, "lr": 5e-3}


def modelo_novo(tokenizer, seed=0):
    """O GPT padrão do curso, recém-sorteado, para o vocabulário deste tokenizador."""
    torch.manual_seed(seed)
    return GPTMini(GPTConfig(tokenizer.vocab_size, context_length=96, d_model=96, n_heads=4, n_layers=2))
