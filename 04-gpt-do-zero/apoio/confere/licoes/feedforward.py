"""Feedforward: a GELU e a classe."""

import math

import torch
import torch.nn.functional as F

from apoio.confere.corretor import casos_da_ficha, chamar, conferir_camada, diga, exercicio, exigir, julgar, pt, sorteio, um_tensor
from gptmini.feedforward import FeedForward

_CURVAS = {"exata": F.gelu, "relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "sigmoide": torch.sigmoid, "nenhuma": lambda x: x,
           "sigmoide 1,702": lambda x: x * (1.702 * x).sigmoid(), "phi": lambda x: torch.special.ndtr(x),
           "erf sem raiz": lambda x: 0.5 * x * (1 + torch.erf(x)),
           "sem parênteses": lambda x: 0.5 * x + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))}


def _gelu(x, curva=None, meio=0.5, um=1, vezes=True, cubo=0.044715, grau=3, raiz=True, parenteses=True):
    if curva:
        return _CURVAS[curva](x)
    c = math.sqrt(2 / math.pi) if raiz else 2 / math.pi
    dentro = c * (x + cubo * x**grau) if parenteses else c * x + cubo * x**grau
    return meio * (x if vezes else 1) * (um + torch.tanh(dentro))


@exercicio(r"""
onde = "Lição 03, «A curva do GPT-2: GELU»."

[relu]
imita = {curva = "relu"}
dica = "Isto é a ReLU: zera todo o lado negativo."
pergunta = "Quanto vale a sua função em x = −1?"
erro = "A GELU em −1 vale −0,159."

[silu]
imita = {curva = "silu"}
dica = "Isto é a SiLU, x · sigmoide(x); a GELU usa a curva do sino."
pergunta = "Quanto vale a sua função em x = 1?"
erro = "A GELU em 1 vale 0,841; a SiLU, 0,731."

[sigmoide_1702]
imita = {curva = "sigmoide 1,702"}
dica = "Isto é a imitação x · sigmoide(1,702 x), que se afasta até 0,02; use a forma exata ou a com tanh."
pergunta = "Que forma o GPT-2 usa?"
erro = "As três se parecem, mas os pesos do GPT-2 pedem a forma com tanh."

[identidade]
imita = {curva = "nenhuma"}
dica = "A função devolve x sem mudança."
pergunta = "Onde está a curva?"
erro = "Sem curva, camadas em sequência equivalem a uma só."

[sem_meio]
imita = {meio = 1}
dica = "Faltou o ½ da frente."
pergunta = "Para x grande, quanto a função deveria dar?"
erro = "1 + tanh chega a 2; o ½ traz de volta a x."

[so_phi]
imita = [{vezes = false}, {curva = "phi"}]
dica = "Faltou multiplicar por x: isto é só Φ(x), que vai de 0 a 1."
pergunta = "Para x = 10, quanto dá?"
erro = "A GELU deixa o número passar: é x · Φ(x)."

[sem_cubo]
imita = {cubo = 0}
dica = "Faltou o termo 0,044715 · x³."
pergunta = "O que há dentro da tanh além de x?"
erro = "Sem ele a imitação se afasta da forma exata."

[quadrado]
imita = {grau = 2}
dica = "O termo de dentro da tanh é x ao cubo, e não ao quadrado."
pergunta = "Lá dentro, a sua função trata x e −x do mesmo jeito?"
erro = "x² perde o sinal; x³ o conserva."

[sem_raiz]
imita = {raiz = false}
dica = "Faltou a raiz: dentro da tanh vai √(2/π), e não 2/π."
pergunta = "Quanto vale √(2/π)? E 2/π?"
erro = "São 0,798 e 0,637."

[outra_constante]
imita = [{cubo = 0.44715}, {cubo = 0.0044715}]
dica = "A constante do cubo é 0,044715: falta ou sobra um zero."
pergunta = "Quantos zeros há depois da vírgula?"
erro = "São 0,044715 vezes x³."

[erf_sem_raiz]
imita = {curva = "erf sem raiz"}
dica = "Faltou dividir por √2 dentro da erf: Φ(x) = ½ (1 + erf(x / √2))."
pergunta = "Quanto dá o seu Φ(1)? Perto de 0,84?"
erro = "A erf é de uma curva mais estreita que a do sino de desvio 1."

[sem_parenteses]
imita = {curva = "sem parênteses"}
dica = "Faltaram os parênteses: ½ x multiplica a soma 1 + tanh inteira, e não só o 1."
pergunta = "Em que ordem o Python faz `0.5 * x * 1 + t`?"
erro = "A multiplicação vem antes da soma."

[outra]
dica = "Em x = {x} a sua função dá {veio}, e a GELU dá {certo}."
pergunta = "A sua função se parece com qual das curvas da figura da lição?"
erro = "Não é nenhum dos erros mais comuns: este é o ponto, entre −5 e 5, em que ela mais se afasta."

[so_x_na_raiz]
imita = {parenteses = false}
dica = "A raiz √(2/π) multiplicou só o x: ela multiplica a soma x + 0,044715 · x³ inteira."
pergunta = "Onde abre e onde fecha o parêntese da soma?"
erro = "√(2/π) · x + 0,044715 · x³ não é √(2/π) · (x + 0,044715 · x³)."

[sem_um]
imita = {um = 0}
dica = "Faltou o 1 na soma: é 1 + tanh, ou 1 + erf na forma exata."
pergunta = "Em x = −3, quanto dá?"
erro = "Sem o 1 a função é par: −3 e 3 dão o mesmo."
""")
def gelu(resposta):
    """`f(x)`, na forma exata ou na forma com tanh, em tensores de qualquer forma."""
    exigir(resposta)
    casos = [(torch.linspace(-5, 5, 41),), (2 * torch.randn(2, 3, 4, generator=sorteio(0)),)]
    casos[1][0][:, 1] = torch.tensor([[-1000.0, -100, -30, -12], [12, 30, 100, 1000]])      # longe de 0, é 0 ou x
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("gelu", saidas, casos, _gelu, "", aceita=DUAS_FORMAS, sintomas=_onde_a_gelu_difere, folga_do_erro=1e-3)
    return "Dá a GELU de −5 a 5, número a número."


def _onde_a_gelu_difere(saidas, casos):
    for (x,), veio in zip(casos, saidas, strict=True):
        longe = (veio.double() - F.gelu(x)).abs().flatten().nan_to_num(math.inf)
        if longe.max() > 5e-4:
            i = longe.argmax()
            return diga("gelu.outra", x=pt(x.flatten()[i]), veio=pt(veio.flatten()[i]), certo=pt(F.gelu(x.flatten()[i])))
    return None


DUAS_FORMAS = ({}, {"curva": "exata"})      # a da tanh e a exata


def conta_do_feedforward(m, x, curva="gelu", lugar="meio", contrair=True, atalho=False):
    f = m.gelu if curva == "gelu" else _CURVAS[curva]
    h = m.expand(f(x) if lugar == "antes" else x)
    h = f(h) if lugar in ("meio", "dupla") else h
    h = m.contract(h) if contrair else h
    h = f(h) if lugar in ("depois", "dupla") else h
    return x + h if atalho and contrair else h


@exercicio(r"""
onde = "Lição 03, «Expandir, curvar, contrair»."

[sem_curva]
imita = {curva = "nenhuma"}
dica = "Faltou a curva: sem a GELU no meio, `expand` e `contract` equivalem a uma camada linear só."
pergunta = "O que há entre as duas camadas?"
erro = "O produto de duas matrizes é outra matriz: não se ganha nada com a segunda."
onde = "Lição 03, «Feedforward»."

[relu]
imita = {curva = "relu"}
dica = "A curva usada foi a ReLU, e não a GELU."
pergunta = "Que curva o GPT-2 usa?"
erro = "Elas se parecem, mas a ReLU zera todo o lado negativo."
onde = "Lição 03, «A curva do GPT-2: GELU»."

[outra_curva]
imita = [{curva = "silu"}, {curva = "tanh"}, {curva = "sigmoide"}]
dica = "A curva usada não é a GELU."
pergunta = "Que curva o GPT-2 usa?"
erro = "É a GELU: `F.gelu`, na forma exata ou com `approximate=\"tanh\"`."
onde = "Lição 03, «A curva do GPT-2: GELU»."

[curva_depois]
imita = {lugar = "depois"}
dica = "A curva veio depois de `contract`: é entre as duas camadas que ela faz falta."
pergunta = "Entre `expand` e `contract`, o que há?"
erro = "No fim, ela só corta a saída, e as duas camadas continuam equivalendo a uma."

[curva_antes]
imita = {lugar = "antes"}
dica = "A curva veio antes de `expand`: é entre as duas camadas que ela faz falta."
pergunta = "Entre `expand` e `contract`, o que há?"
erro = "No começo, ela só corta a entrada, e as duas camadas continuam equivalendo a uma."

[curva_dupla]
imita = {lugar = "dupla"}
dica = "A curva entrou duas vezes: a saída de `contract` não passa por ela."
pergunta = "O neurônio escreve antes ou depois da curva?"
erro = "A segunda curva corta quase tudo o que o feedforward escreve de negativo."

[sem_contract]
imita = {contrair = false}
dica = "Faltou `contract`: a saída ficou com 4C números, e precisa voltar a C."
pergunta = "Que camada do construtor você não usou?"
erro = "Sem voltar a C, não se pode somar o resultado ao vetor que entrou."

[com_atalho]
imita = {atalho = true}
dica = "O x foi somado à saída: o atalho é trabalho do bloco, e não do feedforward."
pergunta = "Quem soma x ao resultado?"
erro = "No bloco a soma se repetiria."
onde = "Lição 05, «O bloco Transformer»."
""")
def feedforward(resposta):
    """Classe `(config)` com `expand` e `contract`; `forward(x)`: (B, T, C) -> (B, T, C)."""
    casos = casos_da_ficha(FeedForward, (12, 3, 2, 5), (10, 2, 3, 4), (7, 1, 1, 1))
    return conferir_camada("feedforward", resposta, casos, conta_do_feedforward, aceita=DUAS_FORMAS, folga_do_erro=3e-3)
