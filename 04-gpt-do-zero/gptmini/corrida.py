"""As regras e o placar da corrida da lição 09: quem chega primeiro à perda em que a receita de referência termina."""

import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import torch
import torch.nn.functional as F

from . import corpus
from .modelo import GPTMini
from .treino import evaluate, train_steps, warmup_then_decay
from .vetores import CharTokenizer, GPTConfig

T = 64                               # a janela em que todos são julgados
PASTA = Path("meu-modelo") / "corrida"
# A perda em que a referência termina, média de três sementes (`corrida`, em tests/medidas.json).
ALVOS = {"Machado de Assis": 1.859, "historinhas": 0.404}


def n(numero, casas=1):
    return f"{numero:.{casas}f}".replace(".", ",")


class RegraQuebrada(ValueError):
    """A receita não vale; a mensagem diz que regra quebrou."""


@dataclass(frozen=True)
class Receita:
    """Tudo o que quem corre pode escolher. O texto, a perda e o relógio são os mesmos para todos."""

    nome: str
    modelo: Callable                       # (vocab_size, context_length) -> modelo recém-sorteado
    otimizador: Callable                   # (modelo) -> otimizador, com a taxa de pico em cada grupo
    passos: int
    lote: int
    ritmo: Callable = warmup_then_decay    # (passo, passos) -> a fração da taxa naquele passo


@dataclass(frozen=True, eq=False)
class Pista:
    """O texto da corrida, em ids: 90% para treinar; do resto, metade julga e metade fica de reserva."""

    nome: str
    tokenizer: CharTokenizer
    treino: list[int]
    validacao: list[int]
    reserva: list[int]
    alvo: float


def abrir_pista(nome=None, texto=None, alvo=math.nan):
    """Machado de Assis, letra por letra, onde ele pode ser lido; senão, historinhas. Ou o seu texto, com nome e alvo."""
    if texto is None:
        nome, texto = corpus.machado_ou_historinhas()
    tokenizer = CharTokenizer([texto])
    ids = tokenizer.encode(texto)
    if len(ids) < 100_000:
        raise ValueError(f"o texto tem {len(ids)} caracteres; uma pista precisa de pelo menos 100 mil.")
    corte = len(ids) * 9 // 10
    # Em fatias alternadas: as duas metades são do mesmo estilo, e a perda numa serve de prova para a outra.
    fatias = [ids[i : i + 32 * T] for i in range(corte, len(ids), 32 * T)]
    metades = [[i for fatia in fatias[k::2] for i in fatia][: 1024 * T] for k in (0, 1)]
    return Pista(nome, tokenizer, ids[:corte], *metades, ALVOS.get(nome, alvo))


# A receita de CPU do README do nanoGPT (Karpathy, 2022), escrita com as peças do curso.

def modelo_da_referencia(vocab_size, context_length):
    return GPTMini(GPTConfig(vocab_size, context_length, d_model=128, n_heads=4, n_layers=4, bias=False))


def otimizador_da_referencia(model):
    matrizes, vetores = ([p for p in model.parameters() if (p.dim() > 1) == sim] for sim in (True, False))
    return torch.optim.AdamW([{"params": matrizes, "weight_decay": 0.1}, {"params": vetores, "weight_decay": 0.0}],
                             lr=1e-3, betas=(0.9, 0.99), fused=True)


def ritmo_da_referencia(passo, passos):
    """Sobe em 5% dos passos (100 de 2000) e desce em cosseno até um décimo."""
    subida = passos // 20
    if passo < subida:
        return passo / subida
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (passo - subida) / (passos - subida)))


REFERENCIA = Receita("referência", modelo_da_referencia, otimizador_da_referencia, 2000, 12, ritmo_da_referencia)


def treinar(receita, pista, semente=0):
    """Entrega (modelo, passo) a cada passo da receita, com o relógio ligado desde a montagem do modelo."""
    torch.manual_seed(semente)
    inicio = time.perf_counter()
    model = receita.modelo(pista.tokenizer.vocab_size, T)
    optimizer = receita.otimizador(model)
    for grupo in optimizer.param_groups:
        grupo.setdefault("initial_lr", grupo["lr"])
    montagem = time.perf_counter() - inicio
    for passo in train_steps(model, pista.treino, steps=receita.passos, batch_size=receita.lote, seed=semente,
                             lr=optimizer.param_groups[0]["lr"], optimizer=optimizer, schedule=receita.ritmo):
        yield model, replace(passo, seconds=montagem + passo.seconds)


def tempo_da_referencia(pista, passos=40):
    """Quantos segundos os 2000 passos da referência levariam nesta máquina, pela mediana de uns poucos."""
    marcas = [0.0]
    for _, passo in treinar(REFERENCIA, pista):
        marcas.append(passo.seconds)
        if passo.step == passos:
            break
    return REFERENCIA.passos * statistics.median(b - a for a, b in zip(marcas[1:], marcas[2:]))


# As regras.

@torch.no_grad()
def conferir_modelo(model, pista):
    """O modelo é um modelo de linguagem: um logit por caractere, só do passado, e a perda é a entropia cruzada."""
    V = pista.tokenizer.vocab_size
    ids = torch.tensor(pista.validacao[: 4 * T + 1])
    x, y = ids[:-1].view(4, T), ids[1:].view(4, T)                       # (B, T)
    model.eval()
    logits, perda = model(x, y)
    if logits.shape != (4, T, V):
        raise RegraQuebrada(f"os logits vieram com forma {tuple(logits.shape)}; esperava {(4, T, V)}: um por caractere.")
    if not torch.isfinite(logits).all():
        raise RegraQuebrada("há logits que não são números.")
    certa = F.cross_entropy(logits.flatten(0, 1), y.flatten())
    if not torch.allclose(perda, certa, atol=1e-4):
        raise RegraQuebrada(f"a perda que o modelo diz ter é {n(perda, 3)}; a entropia cruzada dos logits dele é {n(certa, 3)}.")
    for corte in (1, T // 2, T - 1):
        mexido = x.clone()
        mexido[:, corte:] = (mexido[:, corte:] + 1) % V
        mexido[1:] = mexido[1:].flip(1)                                  # as outras linhas também não podem contar
        if not torch.allclose(model(mexido)[0][0, :corte], logits[0, :corte], atol=1e-3):
            raise RegraQuebrada(f"mudar o caractere {corte}, ou outra linha do lote, mudou uma previsão anterior: o modelo vê o futuro.")


def conferir_perdas(primeira, validacao, reserva, vocab_size):
    """O modelo nasceu sem saber nada, e sabe da validação o que sabe de um texto parecido que ninguém mostrou."""
    if primeira < 0.9 * math.log(vocab_size):
        raise RegraQuebrada(f"a primeira perda foi {n(primeira, 2)}; quem não sabe nada tem perto de {n(math.log(vocab_size), 2)}: "
                            "o modelo já vinha treinado.")
    if validacao < 0.95 * reserva:
        raise RegraQuebrada(f"a perda é {n(validacao, 3)} na validação e {n(reserva, 3)} na reserva, "
                            "um texto parecido que ninguém viu: o modelo treinou com a validação.")


@dataclass(frozen=True)
class Volta:
    """O resultado de uma corrida, como vai ao placar."""

    autoria: str
    receita: str
    pista: str
    perda: float           # nats por caractere, na validação
    alvo: float
    segundos: float        # da montagem do modelo ao último passo
    vezes: float           # o tempo da referência nesta máquina, dividido pelo desta receita
    passos: int
    parametros: int
    semente: int
    quando: str

    def __str__(self):
        chegou = "chegou" if self.perda <= self.alvo else "não chegou"
        return (f"{self.receita}: perda {n(self.perda, 3)} em {n(self.segundos)} s; {chegou} ao alvo, {n(self.alvo, 3)}; "
                f"o tempo da referência nesta máquina é {n(self.vezes)} vezes o dela.")


def correr(receita, pista, semente=0, autoria=""):
    """Treina, confere as regras e mede: -> (modelo, `Volta`). Não escreve no placar."""
    referencia = tempo_da_referencia(pista)
    for model, passo in treinar(receita, pista, semente):
        if passo.step == 1:
            primeira = passo.train_loss
        if passo.step % max(1, receita.passos // 50) == 0:
            print(f"\r{receita.nome}: passo {passo.step} de {receita.passos}, perda {passo.train_loss:.2f}", end="")
    print("\r" + " " * 78, end="\r")
    conferir_modelo(model, pista)
    validacao, reserva = evaluate(model, pista.validacao), evaluate(model, pista.reserva)
    conferir_perdas(primeira, validacao, reserva, pista.tokenizer.vocab_size)
    return model, Volta(autoria, receita.nome, pista.nome, validacao, pista.alvo, passo.seconds, referencia / passo.seconds,
                        receita.passos, sum(p.numel() for p in model.parameters()), semente, datetime.now().isoformat())


def cronometrar(receita, autoria="", pista=None, semente=0, pasta=PASTA):
    """Corre sob as regras e, se a receita chega ao alvo, anota no placar desta máquina: -> `Volta`."""
    volta = correr(receita, pista or abrir_pista(), semente, autoria)[1]
    print(volta)
    if volta.perda <= volta.alvo:
        anotar(volta, pasta)
    return volta


# O placar.

def anotar(volta, pasta=PASTA):
    """Um arquivo por volta: juntar placares é juntar arquivos numa pasta."""
    pasta = Path(pasta)
    pasta.mkdir(parents=True, exist_ok=True)
    quem = "".join(c if c.isalnum() else "-" for c in volta.autoria.lower())[:40] or "anonima"
    caminho = pasta / f"{quem}-{volta.quando.translate(str.maketrans('', '', '-:.'))}.json"
    caminho.write_text(json.dumps(asdict(volta), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return caminho


def ler(pasta=PASTA):
    """As voltas de todos os arquivos da pasta e das que estão dentro dela; o que não é volta é dito e deixado de lado."""
    voltas = []
    for caminho in sorted(Path(pasta).rglob("*.json")):
        try:
            dados = json.loads(caminho.read_text(encoding="utf-8"))
            voltas.append(Volta(**{campo.name: campo.type(dados[campo.name]) for campo in fields(Volta)}))
        except (OSError, ValueError, KeyError, TypeError):
            print(f"{caminho.name} não é uma volta da corrida; fica de fora.")
    return voltas


def placar(pasta=PASTA):
    """A classificação: de cada pessoa e pista, a volta mais rápida em relação à referência da própria máquina."""
    melhores = {}
    for volta in sorted(ler(pasta), key=lambda v: v.vezes):
        if volta.perda <= volta.alvo:
            melhores[volta.autoria, volta.pista] = volta
    if not melhores:
        return f"nenhuma volta em {pasta} chegou ao alvo ainda."
    linhas = [f"{'lugar':>5}  {'vezes':>6}  {'segundos':>8}  {'perda':>6}  {'pista':<16}  quem e com que receita"]
    for lugar, v in enumerate(reversed(sorted(melhores.values(), key=lambda v: v.vezes)), 1):
        linhas.append(f"{lugar:>4}º  {n(v.vezes):>6}  {n(v.segundos):>8}  {n(v.perda, 3):>6}  {v.pista:<16}  {v.autoria or '(sem nome)'}: {v.receita}")
    return "\n".join(linhas)
