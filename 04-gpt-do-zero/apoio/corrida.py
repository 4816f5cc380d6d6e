"""As regras e o placar da corrida da lição 11: quem chega primeiro à perda em que a receita de referência termina."""

import hashlib
import json
import math
import os
import stat
import statistics
import time
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import torch
import torch.nn.functional as F

from gptmini.modelo import GPTMini, check_model
from gptmini.texto import CharTokenizer, as_int, as_real, short
from gptmini.treino import as_row, eval_mode, evaluate, train_steps, warmup_then_decay
from gptmini.vetores import GPTConfig

from . import corpus
from .arquivos import gravar, motivo
from .numeros import formatado
from .numeros import numero as n

T = 64                               # a janela em que todos são julgados
PASTA = Path("meu-modelo") / "corrida"
# A perda em que a referência termina, média de três sementes (`corrida`, em tests/medidas.json).
ALVOS = {"Machado de Assis": 1.859, "historinhas": 0.398}
MAX_NOME, MAX_BYTES = 400, 8_000     # letras de um nome; bytes do arquivo de uma volta, que tem uns 400
MAX_LINHAS = 100                     # de cada parte do placar, e da lista do que ficou de fora
SEMENTES = 2**63 - 1
# O que pode ter acontecido: (mais que isto, até isto).
FAIXAS = {"perda": (0, 100), "alvo": (0, 100), "segundos": (0, 1e7), "vezes": (0, 1e6),
          "passos": (0, 10**7), "parametros": (0, 10**12), "semente": (-1, SEMENTES)}


class RegraQuebrada(ValueError):
    """A receita não vale; a mensagem diz que regra quebrou."""


def _nome(nome, de_que, vazio=False):
    """Um nome que cabe numa linha do placar e não a desmancha."""
    if not isinstance(nome, str):
        raise TypeError(f"{de_que} veio {short(nome)}; esperava um texto.")
    if len(nome) > MAX_NOME or not nome.isprintable():
        raise ValueError(f"{de_que} veio {short(nome)}; esperava até {MAX_NOME} letras numa linha só, sem sinais que não se imprimem.")
    if not vazio and not nome.strip():
        raise ValueError(f"{de_que} está em branco; escreva um nome.")
    return nome


def _espera(valor, classe, exemplo):
    if not isinstance(valor, classe):
        raise TypeError(f"veio {short(valor)}; esperava {classe.__name__}, como {exemplo}.")


def _alvo(pista, alvo):
    """O alvo com que uma volta vale nesta pista: das do curso, o que o curso mediu; de outra, o que ela traz."""
    if not 0 < as_real(alvo) <= FAIXAS["alvo"][1]:
        raise ValueError(f"o alvo da pista «{pista}» veio {short(alvo)}; esperava uma perda maior que zero, como alvo=1.9.")
    for nome, certo in ALVOS.items():
        if pista == nome and abs(alvo - certo) > 1e-9:
            raise ValueError(f"o alvo veio {short(alvo)}; o da pista «{nome}» é {n(certo, 3)}.")
        if pista != nome and pista.casefold().split() == nome.casefold().split():
            raise ValueError(f"«{pista}» se confunde com a pista «{nome}», do curso; dê outro nome à sua.")
    return float(alvo)


def _pasta(pasta):
    try:
        os.fsencode(pasta)
        if isinstance(pasta, bytes) or "\0" in str(pasta) or max(map(len, Path(pasta).parts), default=0) > 255:
            raise TypeError
    except (TypeError, UnicodeError):
        raise TypeError(f"a pasta veio {short(pasta)}; esperava um caminho, como {str(PASTA)!r}.") from None
    if os.path.lexists(pasta) and not os.path.isdir(pasta):
        raise NotADirectoryError(f"{_visivel(os.fspath(pasta), 80)} não é uma pasta; passe a pasta das voltas.")
    return Path(pasta)


@dataclass(frozen=True)
class Receita:
    """Tudo o que quem corre pode escolher. O texto, a perda e o relógio são os mesmos para todos."""

    nome: str
    modelo: Callable                       # (vocab_size, context_length) -> modelo recém-sorteado
    otimizador: Callable                   # (modelo) -> otimizador, com a taxa de pico em cada grupo
    passos: int
    lote: int
    ritmo: Callable = warmup_then_decay    # (passo, passos) -> a fração da taxa naquele passo

    def __post_init__(self):
        _nome(self.nome, "o nome da receita")
        for campo in ("modelo", "otimizador", "ritmo"):
            if not callable(getattr(self, campo)):
                raise TypeError(f"{campo} veio {short(getattr(self, campo))}; esperava uma função, como corrida.REFERENCIA.{campo}.")
        for campo, maximo in (("passos", FAIXAS["passos"][1]), ("lote", 10_000)):
            object.__setattr__(self, campo, as_int(campo, getattr(self, campo), 1, maximo))


@dataclass(frozen=True, eq=False)
class Pista:
    """O texto da corrida, em ids: 90% para treinar; do resto, metade julga e metade fica de reserva."""

    nome: str
    tokenizer: CharTokenizer
    treino: list[int]
    validacao: list[int]
    reserva: list[int]
    alvo: float                            # nan: ainda sem alvo, e nenhuma volta vai ao placar

    def __post_init__(self):
        _nome(self.nome, "o nome da pista")
        _espera(self.tokenizer, CharTokenizer, "CharTokenizer([texto])")
        for campo in ("treino", "validacao", "reserva"):
            ids = as_row(getattr(self, campo), f"a parte «{campo}»")
            if len(ids) <= 4 * T or min(ids) < 0 or max(ids) >= self.tokenizer.vocab_size:
                raise ValueError(f"a parte «{campo}» tem {len(ids)} ids; esperava mais de {4 * T}, todos do vocabulário da pista.")
            object.__setattr__(self, campo, ids)


def abrir_pista(nome=None, texto=None, alvo=None):
    """Machado de Assis, letra por letra, onde ele pode ser lido; senão, historinhas. Ou o seu texto, com nome e alvo."""
    if texto is None:
        if alvo is not None:
            raise ValueError("as pistas do curso já têm alvo; para dar outro, passe também o nome e o texto da sua.")
        if nome is not None and nome not in ALVOS:
            raise ValueError(f"não há pista {short(nome)} no curso, que tem {' e '.join(ALVOS)}; para a sua, passe também o texto.")
        nome, texto = (corpus.machado_ou_historinhas() if nome is None else
                       (nome, corpus.machado() if nome == "Machado de Assis" else corpus.das_historinhas()))
    elif _nome(nome, "o nome da pista") in ALVOS and not _do_curso(nome, texto):
        raise ValueError(f"«{nome}» é o nome de uma pista do curso, e o texto é outro; dê outro nome à sua.")
    alvo = ALVOS.get(nome, math.nan) if alvo is None else _alvo(nome, alvo)
    tokenizer = CharTokenizer([texto])
    ids = tokenizer.encode(texto)
    if len(ids) < 100_000:
        raise ValueError(f"o texto tem {len(ids)} caracteres; uma pista precisa de pelo menos 100 mil.")
    corte = len(ids) * 9 // 10
    # Em fatias alternadas: as duas metades são do mesmo estilo, e a perda numa serve de prova para a outra.
    fatias = [ids[i : i + 32 * T] for i in range(corte, len(ids), 32 * T)]
    metades = [[i for fatia in fatias[k::2] for i in fatia][: 1024 * T] for k in (0, 1)]
    return Pista(nome, tokenizer, ids[:corte], *metades, alvo)


def _do_curso(nome, texto):
    if nome == "historinhas":
        return texto == corpus.das_historinhas()
    return isinstance(texto, str) and hashlib.sha256(texto.encode(errors="replace")).hexdigest() == corpus.SHA256


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
    _espera(receita, Receita, "corrida.REFERENCIA")
    _espera(pista, Pista, "a que corrida.abrir_pista() devolve")
    return _treinar(receita, pista, as_int("semente", semente, 0, SEMENTES))


def _treinar(receita, pista, semente):
    torch.manual_seed(semente)
    inicio = time.perf_counter()
    model, optimizer = montar(receita, pista)
    for grupo in optimizer.param_groups:
        grupo.setdefault("initial_lr", grupo["lr"])
    montagem = time.perf_counter() - inicio
    for passo in train_steps(model, pista.treino, steps=receita.passos, batch_size=receita.lote, seed=semente,
                             lr=optimizer.param_groups[0]["lr"], optimizer=optimizer, schedule=receita.ritmo):
        yield model, replace(passo, seconds=montagem + passo.seconds)


def montar(receita, pista):
    """(modelo, otimizador), recém-feitos pela receita; o que não se treinaria é recusado aqui."""
    model = receita.modelo(pista.tokenizer.vocab_size, T)
    check_model(model)
    if model.config.context_length != T:
        raise RegraQuebrada(f"o modelo tem context_length {short(model.config.context_length)}; a janela é {T} para todos.")
    optimizer = receita.otimizador(model)
    grupos = getattr(optimizer, "param_groups", None)
    if not isinstance(grupos, list) or not grupos or not all(callable(getattr(optimizer, f, None)) for f in ("step", "zero_grad")):
        raise TypeError(f"otimizador devolveu {short(optimizer)}; esperava um otimizador com grupos, como torch.optim.AdamW(model.parameters()).")
    if not all(isinstance(g, dict) and "params" in g and 0 < as_real(g.get("lr")) < math.inf for g in grupos):
        raise ValueError("um grupo do otimizador não tem pesos, ou uma taxa maior que zero; esperava {\"params\": [...], \"lr\": 1e-3}.")
    meus = {id(p) for p in model.parameters() if p.requires_grad}
    if any(id(p) not in meus for g in grupos for p in g["params"]):
        raise ValueError("o otimizador move pesos que não são deste modelo; monte-o com os de quem recebe: otimizador(model).")
    return model, optimizer


def provar(receita, pista, semente=0):
    """Monta e confere a receita sem treinar: o que está errado é dito antes dos minutos, e não depois."""
    _espera(receita, Receita, "corrida.REFERENCIA")
    _espera(pista, Pista, "a que corrida.abrir_pista() devolve")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(as_int("semente", semente, 0, SEMENTES))
        conferir_modelo(montar(receita, pista)[0], pista)
    for passo in {1, (receita.passos + 1) // 2, receita.passos}:
        if not 0 <= as_real(fracao := receita.ritmo(passo, receita.passos)) < math.inf:
            raise ValueError(f"ritmo deu {short(fracao)} no passo {passo}; esperava a fração da taxa, um número a partir de 0.")


def tempo_da_referencia(pista, passos=40):
    """Quantos segundos os 2000 passos da referência levariam nesta máquina, pela mediana de uns poucos."""
    passos, marcas = as_int("passos", passos, 2, REFERENCIA.passos), [0.0]
    with torch.random.fork_rng(devices=[]):
        for _, passo in treinar(REFERENCIA, pista):
            marcas.append(passo.seconds)
            if passo.step == passos:
                break
    return REFERENCIA.passos * statistics.median(b - a for a, b in zip(marcas[1:], marcas[2:]))


# As regras.

@torch.no_grad()
def conferir_modelo(model, pista):
    """O modelo é um modelo de linguagem: um logit por caractere, só do passado, e a perda é a entropia cruzada."""
    check_model(model)
    _espera(pista, Pista, "a que corrida.abrir_pista() devolve")
    V = pista.tokenizer.vocab_size
    ids = torch.tensor(pista.validacao[: 4 * T + 1], device=next(model.parameters()).device)
    x, y = ids[:-1].view(4, T), ids[1:].view(4, T)                       # (B, T)
    with eval_mode(model), torch.random.fork_rng(devices=[]):
        logits, perda = _resposta(model, V, x, y)
        certa = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        if not isinstance(perda, torch.Tensor) or perda.numel() != 1:
            raise RegraQuebrada(f"a perda veio {short(perda)}; esperava um tensor de um número só, a entropia cruzada.")
        if not torch.allclose(perda.to(certa), certa, atol=1e-4):
            raise RegraQuebrada(f"a perda que o modelo diz ter é {n(perda, 3)}; a entropia cruzada dos logits dele é {n(certa, 3)}.")
        for corte in (1, T // 2, T - 1):
            mexido = x.clone()
            mexido[:, corte:] = (mexido[:, corte:] + 1) % V
            mexido[1:] = mexido[1:].flip(1)                              # as outras linhas também não podem contar
            if not torch.allclose(_resposta(model, V, mexido)[0][0, :corte], logits[0, :corte], atol=1e-3):
                raise RegraQuebrada(f"mudar o caractere {corte}, ou outra linha do lote, mudou uma previsão anterior: o modelo vê o futuro.")


def _resposta(model, V, x, *y):
    """(logits, perda) do modelo, com os logits conferidos."""
    saida = model(x, *y)
    if not isinstance(saida, tuple) or len(saida) != 2 or not isinstance(saida[0], torch.Tensor):
        raise RegraQuebrada(f"o modelo devolveu {type(saida).__name__}; esperava a dupla (logits, perda).")
    if saida[0].shape != (4, T, V):
        raise RegraQuebrada(f"os logits vieram com forma {tuple(saida[0].shape)}; esperava {(4, T, V)}: um por caractere.")
    if not torch.isfinite(saida[0]).all():
        raise RegraQuebrada("há logits que não são números.")
    return saida


def conferir_primeira(primeira, vocab_size):
    """O modelo nasceu sem saber nada."""
    if not 0.9 * math.log(as_int("vocab_size", vocab_size, 2)) <= as_real(primeira) < math.inf:
        veio = n(primeira, 2) if math.isfinite(as_real(primeira)) else short(primeira)
        raise RegraQuebrada(f"a primeira perda foi {veio}; quem não sabe nada tem perto de {n(math.log(vocab_size), 2)}: "
                            "o modelo já vinha treinado.")


def conferir_perdas(primeira, validacao, reserva, vocab_size):
    """O modelo nasceu sem saber nada, e sabe da validação o que sabe de um texto parecido que ninguém mostrou."""
    conferir_primeira(primeira, vocab_size)
    if not all(0 <= as_real(perda) < math.inf for perda in (validacao, reserva)):
        raise RegraQuebrada(f"a perda é {short(validacao)} na validação e {short(reserva)} na reserva; esperava dois números.")
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
        chegou = f"{'chegou' if self.perda <= self.alvo else 'não chegou'} ao alvo, {n(self.alvo, 3)}"
        return (f"{self.receita}: perda {n(self.perda, 3)} em {n(self.segundos)} s; {'sem alvo' if math.isnan(self.alvo) else chegou}; "
                f"o tempo da referência nesta máquina é {n(self.vezes)} vezes o dela.")


def correr(receita, pista, semente=0, autoria=""):
    """Treina, confere as regras e mede: -> (modelo, `Volta`). Não escreve no placar."""
    _nome(autoria, "a autoria", vazio=True)
    provar(receita, pista, semente)
    referencia, V = tempo_da_referencia(pista), pista.tokenizer.vocab_size
    with torch.random.fork_rng(devices=[]):                 # o sorteio de quem chama fica como estava
        for model, passo in treinar(receita, pista, semente):
            if passo.step == 1:
                primeira = passo.train_loss
                conferir_primeira(primeira, V)
            if passo.step % max(1, receita.passos // 50) == 0:
                print(f"\r{receita.nome}: passo {passo.step} de {receita.passos}, perda {n(passo.train_loss, 2)}", end="")
        print("\r" + " " * 78, end="\r")
        conferir_modelo(model, pista)
        validacao, reserva = evaluate(model, pista.validacao), evaluate(model, pista.reserva)
    conferir_perdas(primeira, validacao, reserva, V)
    return model, Volta(autoria, receita.nome, pista.nome, validacao, pista.alvo, passo.seconds, referencia / passo.seconds,
                        receita.passos, sum(p.numel() for p in model.parameters()), semente, datetime.now().isoformat())


def cronometrar(receita, autoria="", pista=None, semente=0, pasta=PASTA):
    """Corre sob as regras e, se a receita chega ao alvo, anota no placar desta máquina: -> `Volta`."""
    _espera(receita, Receita, "corrida.REFERENCIA")
    _nome(autoria, "a autoria", vazio=True)
    perto = next(p for p in (_pasta(pasta).absolute(), *Path(pasta).absolute().parents) if os.path.lexists(p))
    if not os.path.isdir(perto) or not os.access(perto, os.W_OK):
        raise PermissionError(f"não se pode escrever em {_visivel(perto, 80)}; escolha outra pasta para o placar.")
    pista = abrir_pista() if pista is None else pista
    _espera(pista, Pista, "a que corrida.abrir_pista() devolve")
    _alvo(pista.nome, pista.alvo)
    volta = correr(receita, pista, semente, autoria)[1]
    print(volta)
    if volta.perda <= volta.alvo:
        anotar(volta, pasta)
    return volta


# O placar. Quem junta os arquivos da turma não sabe o que há neles: cada um entra só se podia ter acontecido.

def conferir_volta(volta):
    """A volta com números do Python; o que não pode ter acontecido, ou desmancharia o placar, é recusado."""
    _espera(volta, Volta, "a que corrida.cronometrar devolve")
    novos = {}
    for campo in ("autoria", "receita", "pista", "quando"):
        novos[campo] = str(_nome(getattr(volta, campo), campo, vazio=campo in ("autoria", "receita")))
    for campo, (menos, mais) in FAIXAS.items():
        valor = getattr(volta, campo)
        inteiro = campo in ("passos", "parametros", "semente")
        novos[campo] = as_int(campo, valor, menos + 1, mais) if inteiro else as_real(valor)
        if not menos < novos[campo] <= mais:
            raise ValueError(f"{campo} veio {short(valor)}; esperava um número maior que {menos}, até {formatado(mais, ',g')}.")
    try:
        datetime.fromisoformat(volta.quando)
    except ValueError:
        raise ValueError(f"quando veio {short(volta.quando)}; esperava uma data, como 2026-11-25T10:00:00.") from None
    _alvo(volta.pista, volta.alvo)
    if volta.segundos < 1e-5 * volta.passos or not 1 <= volta.vezes * volta.segundos <= 1e6:
        raise ValueError(f"o tempo não confere: {volta.passos} passos em {formatado(volta.segundos, ',g')} s, "
                         f"e {formatado(volta.vezes, ',g')} vezes isso para a referência.")
    return Volta(**novos)


def anotar(volta, pasta=PASTA):
    """Um arquivo por volta, inteiro ou nenhum: juntar placares é juntar arquivos numa pasta."""
    volta, pasta = conferir_volta(volta), _pasta(pasta)
    dados = (json.dumps(asdict(volta), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    quem = "".join(c if c.isalnum() else "-" for c in volta.autoria.lower())[:40] or "anonima"
    # O resumo do conteúdo separa duas voltas do mesmo instante; um nome com data não é dos que o Windows reserva.
    caminho = pasta / f"{quem}-{datetime.fromisoformat(volta.quando):%Y%m%dT%H%M%S%f}-{hashlib.sha256(dados).hexdigest()[:8]}.json"
    gravar(caminho, dados)
    return caminho


def _sem_repetir(pares):
    if len(dict(pares)) < len(pares):
        raise ValueError
    return dict(pares)


def _ler_volta(caminho):
    estado = os.lstat(caminho)
    if not stat.S_ISREG(estado.st_mode) or estado.st_size > MAX_BYTES:      # antes de abrir: um cano esperaria para sempre
        raise ValueError(f"não é um arquivo comum de até {MAX_BYTES // 1000} mil bytes.")
    with open(caminho, "rb") as arquivo:
        lidos = arquivo.read(MAX_BYTES + 1)
    try:
        dados = json.loads(lidos.decode("utf-8-sig"), object_pairs_hook=_sem_repetir)
    except (ValueError, RecursionError):
        dados = None
    if not isinstance(dados, dict) or not all(campo.name in dados for campo in fields(Volta)):
        raise ValueError("não traz, em JSON, os campos de uma volta.")
    return conferir_volta(Volta(**{campo.name: dados[campo.name] for campo in fields(Volta)}))


def ler(pasta=PASTA):
    """As voltas de todos os arquivos da pasta e das que estão dentro dela; o que não é volta é dito e deixado de lado."""
    voltas, fora, caminhos = [], [], []
    for raiz, _, nomes in os.walk(_pasta(pasta), onerror=lambda erro: fora.append((Path(erro.filename).name, motivo(erro).split(";")[0]))):
        caminhos += [os.path.join(raiz, nome) for nome in nomes if nome.lower().endswith(".json")]
    for caminho in sorted(caminhos):
        try:
            voltas.append(_ler_volta(caminho))
        except OSError as erro:
            fora.append((Path(caminho).name, motivo(erro).split(";")[0]))
        except (TypeError, ValueError) as erro:
            fora.append((Path(caminho).name, erro))
    for nome, porque in fora[:MAX_LINHAS]:
        print(f"{_visivel(nome, 60)} não é uma volta da corrida e fica de fora: {porque}")
    if fora[MAX_LINHAS:]:
        print(f"E ficam de fora outros {len(fora) - MAX_LINHAS} arquivos.")
    return voltas


def _visivel(nome, letras=40):
    """O nome como o placar o mostra: numa linha, sem o que mexe com ela, e curto."""
    nome = "".join(c if c.isprintable() else "?" for c in unicodedata.normalize("NFC", str(nome)) if not unicodedata.combining(c)).strip()
    return nome if len(nome) <= letras else nome[: letras - 1] + "…"


def placar(pasta=PASTA):
    """A classificação: de cada pessoa e pista, a volta mais rápida em relação à referência da própria máquina.

    As pistas do curso se classificam juntas; cada pista de fora, com o seu texto e o seu alvo, vai à parte.
    """
    melhores = {}
    for volta in sorted(ler(pasta), key=lambda v: v.vezes):
        if volta.perda <= volta.alvo:
            fora = f"Fora da classificação do curso: pista «{_visivel(volta.pista)}», alvo {n(volta.alvo, 3)}"
            melhores.setdefault(("",) if volta.pista in ALVOS else (fora, volta.pista, volta.alvo), {})[volta.autoria.strip(), volta.pista] = volta
    if not melhores:
        return f"nenhuma volta em {_visivel(pasta, 80)} chegou ao alvo ainda."
    linhas = []
    for chave in sorted(melhores)[:MAX_LINHAS]:
        linhas += ["", chave[0]] if chave[0] else []
        linhas.append(f"{'lugar':>5}  {'vezes':>6}  {'segundos':>8}  {'perda':>6}  {'pista':<16}  quem e com que receita")
        da_parte = sorted(melhores[chave].values(), key=lambda v: -v.vezes)
        for lugar, v in enumerate(da_parte[:MAX_LINHAS], 1):
            linhas.append(f"{lugar:>4}º  {n(v.vezes):>6}  {n(v.segundos):>8}  {n(v.perda, 3):>6}  "
                          f"{_visivel(v.pista, 16):<16}  {_visivel(v.autoria) or '(sem nome)'}: {_visivel(v.receita)}")
        linhas += [f"e mais {len(da_parte) - MAX_LINHAS}."] if da_parte[MAX_LINHAS:] else []
    linhas += [f"E mais {len(melhores) - MAX_LINHAS} pistas."] if len(melhores) > MAX_LINHAS else []
    return "\n".join(linhas).lstrip("\n")
