"""Feedforward: por que a curva, a GELU, a classe, a contagem e o portão."""

import math

import torch
import torch.nn.functional as F

from apoio.confere.corretor import (
    casos_da_ficha,
    chamar,
    conferir_camada,
    diga,
    erro_conhecido,
    exercicio,
    exigir,
    julgar,
    pt,
    sorteio,
    um_inteiro,
    um_tensor,
    uma_sequencia,
)
from gptmini.feedforward import FeedForward

_CURVAS = {"exata": F.gelu, "relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "sigmoide": torch.sigmoid, "nenhuma": lambda x: x,
           "sigmoide 1,702": lambda x: x * (1.702 * x).sigmoid(), "phi": lambda x: torch.special.ndtr(x),
           "erf sem raiz": lambda x: 0.5 * x * (1 + torch.erf(x)),
           "sem parênteses": lambda x: 0.5 * x + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))}


def _sorteados(semente, *formas):
    g = sorteio(semente)
    return tuple(torch.randn(*forma, generator=g) for forma in formas)


def _juntar(W1, b1, W2, b2, matriz="certa", vies="certo"):
    """A matriz e o viés da camada única, lado a lado: (saída, entrada + 1)."""
    matrizes = {"certa": lambda: W2 @ W1, "trocada": lambda: W1 @ W2, "soma": lambda: W1 + W2, "casa a casa": lambda: W1 * W2,
                "transposta": lambda: (W2 @ W1).T}
    vieses = {"certo": lambda: W2 @ b1 + b2, "só o segundo": lambda: b2, "só o primeiro": lambda: W2 @ b1, "soma": lambda: b1 + b2,
              "cru": lambda: b1, "trocado": lambda: W1 @ b2 + b1}
    return torch.cat([matrizes[matriz](), vieses[vies]()[:, None]], dim=1)


@exercicio(r"""
onde = "Lição 03, «Duas camadas lineares são uma»."

[trocada]
imita = {matriz = "trocada"}
dica = "A matriz saiu na ordem trocada: é `W2 @ W1`, e não `W1 @ W2`."
pergunta = "Qual das duas matrizes toca o vetor primeiro?"
erro = "O vetor passa por `W1` e, depois, por `W2`: escrita à esquerda do vetor, a última a agir é a primeira da fila."

[so_o_segundo_vies]
imita = {vies = "só o segundo"}
dica = "O viés da primeira camada sumiu: ele também atravessa a segunda."
pergunta = "A lápis, com x = 0, quanto sai da primeira camada?"
erro = "Com x = 0 sai `b1` da primeira; a segunda o multiplica por `W2` e soma `b2`."

[so_o_primeiro_vies]
imita = {vies = "só o primeiro"}
dica = "Faltou somar o viés da segunda camada, `b2`."
pergunta = "Qual é a última soma que a segunda camada faz?"
erro = "O viés da camada única é `W2 @ b1 + b2`."

[vieses_somados]
imita = {vies = "soma"}
dica = "Os vieses foram só somados: `b1` ainda passa pela segunda camada, que o multiplica por `W2`."
pergunta = "No exemplo a lápis, por que o viés deu −3, e não 1 − 5 = −4?"
erro = "2 · 1 − 5 = −3: o 1 foi multiplicado pelo 2 da segunda camada."

[vies_cru]
imita = {vies = "cru"}
dica = "O viés devolvido é só o da primeira camada, e ela não é a última."
pergunta = "Com x = 0, quanto sai da segunda camada?"
erro = "Sai `W2 @ b1 + b2`."

[vies_trocado]
imita = {vies = "trocado"}
dica = "No viés, as camadas estão trocadas: quem passa pela outra é `b1`."
pergunta = "Qual dos dois vieses entra na conta primeiro?"
erro = "`b1` entra na primeira camada e atravessa a segunda: `W2 @ b1 + b2`."

[matrizes_somadas]
imita = {matriz = "soma"}
dica = "As matrizes foram somadas; uma camada depois da outra multiplica."
pergunta = "No exemplo a lápis, o 3 e o 2 deram 6 ou 5?"
erro = "Deram 6: 2 · (3x) é 6x."

[casa_a_casa]
imita = {matriz = "casa a casa"}
dica = "`*` multiplica casa a casa; o produto de matrizes é `@`."
pergunta = "Cada número que sai depende de quantos dos que entram?"
erro = "Cada um depende de todos: é linha vezes coluna, `@`."

[transposta]
imita = {matriz = "transposta"}
dica = "A matriz está deitada: guarde-a como o `nn.Linear`, com uma linha para cada número que sai."
pergunta = "Que forma tem `nn.Linear(2, 8).weight`?"
erro = "É (8, 2): a saída vem primeiro."

[par]
dica = "Veio {veio}; esperava dois tensores, a matriz e o viés: `return W, b`."

[formas]
dica = "A matriz veio com forma {veio} e o viés com {vies}; esperava {certa} e {certo}."
pergunta = "Quantos números saem da segunda camada, e quantos entram na primeira?"
erro = "A matriz é (saída, entrada), como no `nn.Linear`; o viés tem um número para cada um que sai."
""")
def juntar_lineares(resposta):
    """`f(W1, b1, W2, b2) -> (W, b)`: a camada linear que vale pelas duas, em fila."""
    exigir(resposta)
    quadrados = [_sorteados(i, (n, n), (n,), (n, n), (n,)) for i, n in enumerate((3, 4))]
    outros = [_sorteados(10, (5, 2), (5,), (3, 5), (3,)), _sorteados(11, (1, 1), (1,), (1, 1), (1,)), _sorteados(12, (2, 6), (2,), (4, 2), (4,))]
    for erros, casos in (("juntar_lineares", quadrados), ("", outros)):     # só nos quadrados a ordem trocada dá uma conta
        julgar(erros, [_lado_a_lado(chamar(resposta, *caso), caso) for caso in casos], casos, _juntar, "")
    return f"Uma camada só dá o mesmo que as duas, em {len(quadrados + outros)} tamanhos."


def _lado_a_lado(valor, caso):
    partes = uma_sequencia(valor)
    if partes is None or len(partes) != 2:
        raise diga("juntar_lineares.par", veio="um tensor só" if isinstance(valor, torch.Tensor) else "outra coisa")
    W, b = map(um_tensor, partes)
    certa, certo = (caso[2].size(0), caso[0].size(1)), (caso[2].size(0),)
    if tuple(W.shape) != certa or tuple(b.shape) != certo:
        raise diga("juntar_lineares.formas", veio=tuple(W.shape), vies=tuple(b.shape), certa=certa, certo=certo)
    return torch.cat([W.double(), b.double()[:, None]], dim=1)


def _duas_camadas(x, W1, b1, W2, b2, curva="relu", lugar="meio", vieses="todos", contrair=True, atalho=False):
    f = {"módulo": torch.abs, "ao avesso": lambda h: h.clamp(max=0), "degrau": lambda h: (h > 0).to(h)}.get(curva) or _CURVAS[curva]
    um, dois = 0 if vieses in ("só o segundo", "nenhum", "depois") else b1, 0 if vieses in ("só o primeiro", "nenhum") else b2
    h = (f(x) if lugar == "antes" else x) @ W1.T + um
    h = f(h) if lugar in ("meio", "dupla") else h
    h = (h + b1 if vieses == "depois" else h) @ W2.T + dois if contrair else h
    h = f(h) if lugar in ("depois", "dupla") else h
    return x + h if atalho and contrair else h


@exercicio(r"""
onde = "Lição 03, «Um neurônio a lápis»."

[sem_curva]
imita = {curva = "nenhuma"}
dica = "Faltou a curva: sem ela, as duas camadas valem por uma."
pergunta = "O que há entre as duas camadas?"
erro = "Falta a ReLU no meio: `F.relu(h)`, ou `h.clamp(min=0)`."
onde = "Lição 03, «A dobra que falta»."

[curva_depois]
imita = {lugar = "depois"}
dica = "A curva veio no fim: é entre as duas camadas que ela faz falta."
pergunta = "Quem se curva: o que o neurônio lê, ou o que a rede escreve?"
erro = "O neurônio lê, se curva e só então escreve."

[curva_antes]
imita = {lugar = "antes"}
dica = "A curva veio antes da primeira camada: é entre as duas que ela faz falta."
pergunta = "Quem se curva: o que o neurônio lê, ou o que a rede recebe?"
erro = "O neurônio lê, se curva e só então escreve."

[curva_dupla]
imita = {lugar = "dupla"}
dica = "A curva entrou duas vezes: o que a rede escreve não passa por ela."
pergunta = "A rede pode escrever um número negativo?"
erro = "Com a segunda curva, todo negativo da saída viraria zero."

[gelu]
imita = [{curva = "exata"}, {curva = "silu"}, {curva = "tanh"}, {curva = "sigmoide"}]
dica = "A curva deste exercício é a ReLU, e a que veio é outra."
pergunta = "Quanto dá a sua curva em −1? E em 2?"
erro = "A ReLU dá 0 em −1 e 2 em 2."

[modulo]
imita = {curva = "módulo"}
dica = "A curva virou o módulo, `abs`: a ReLU zera o negativo, e não lhe troca o sinal."
pergunta = "Quanto é a ReLU de −3?"
erro = "É 0, e não 3."

[ao_avesso]
imita = {curva = "ao avesso"}
dica = "A curva está ao avesso: ela zerou o positivo e deixou o negativo."
pergunta = "Quanto dá a sua curva em 2?"
erro = "A ReLU de 2 é 2: em `clamp`, é `min=0`."

[degrau]
imita = {curva = "degrau"}
dica = "A curva deixou só 0 e 1: a ReLU deixa passar o próprio número, quando positivo."
pergunta = "Quanto dá a sua curva em 2?"
erro = "A ReLU de 2 é 2, e não 1."

[sem_primeiro_vies]
imita = {vieses = "só o segundo"}
dica = "Faltou o viés da primeira camada, `b1`."
pergunta = "O neurônio a lápis lia com que viés?"
erro = "Ler é o produto escalar **mais** o viés do neurônio."

[sem_segundo_vies]
imita = {vieses = "só o primeiro"}
dica = "Faltou o viés da segunda camada, `b2`."
pergunta = "A segunda camada também é uma camada linear: o que ela soma?"
erro = "Ela soma `b2` ao que os neurônios escrevem."

[sem_vieses]
imita = {vieses = "nenhum"}
dica = "Faltaram os dois vieses, `b1` e `b2`."
pergunta = "O que uma camada linear faz depois de multiplicar?"
erro = "Ela soma o seu viés."

[vies_depois_da_curva]
imita = {vieses = "depois"}
dica = "O viés `b1` foi somado depois da curva; ele faz parte da leitura, e vem antes."
pergunta = "A lápis, o −1 entrou antes ou depois da ReLU?"
erro = "O neurônio lê com o viés, e só então se curva."

[sem_contrair]
imita = {contrair = false}
dica = "Faltou a segunda camada: a saída ficou com um número por neurônio."
pergunta = "Quem escreve, depois da curva?"
erro = "O que os neurônios deram ainda se multiplica por `W2.T`."

[com_atalho]
imita = {atalho = true}
dica = "O x foi somado à saída, e o enunciado não pede isso."
pergunta = "Que parcelas tem a saída?"
erro = "A saída é só o que os neurônios escrevem, mais `b2`."
""")
def duas_camadas(resposta):
    """`f(x, W1, b1, W2, b2)`: ler, ReLU, escrever. `W1` é (h, C) e `W2`, (C, h); `x` tem qualquer número de eixos."""
    exigir(resposta)
    casos = [_sorteados(i, (*lote, C), (h, C), (h,), (C, h), (C,)) for i, (lote, C, h) in enumerate((((5,), 3, 12), ((2, 4), 2, 7), ((1,), 4, 1)))]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("duas_camadas", saidas, casos, _duas_camadas, "")
    return f"Lê, se curva e escreve, em {len(casos)} tamanhos."



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


def _parametros(C, vezes, bias, pesos="dois", vieses="da ficha", neuronios="vezes"):
    h = {"quatro": 4 * C, "nenhuma": C, "soma": C + vezes}.get(neuronios, vezes * C)
    b = {"nunca": 0, "sempre": 1}.get(vieses, bias)
    de_vies = {"só expand": h, "só contract": C, "iguais": 2 * h, "curtos": 2 * C}.get(vieses, h + C)
    return torch.tensor({"um": C * h, "quadrado": 2 * h * h}.get(pesos, 2 * C * h) + b * de_vies)


@exercicio(r"""
onde = "Lição 03, «Os parâmetros, contados à mão»."

[sem_vieses]
imita = {vieses = "nunca"}
dica = "Faltaram os vieses: cada camada tem um para cada número que sai."
pergunta = "Quantos números saem de `expand`, e quantos de `contract`?"
erro = "São `vezes * C` vieses em `expand` e `C` em `contract`, quando `bias` é `True`."

[vieses_sempre]
imita = {vieses = "sempre"}
dica = "Os vieses foram contados mesmo com `bias=False`."
pergunta = "O que muda na conta quando `bias` é `False`?"
erro = "Sem viés, sobram só os pesos das duas matrizes."

[so_um_vies]
imita = [{vieses = "só expand"}, {vieses = "só contract"}]
dica = "Só uma das camadas teve o viés contado."
pergunta = "Quantas camadas lineares há?"
erro = "Há duas, e cada uma tem o seu viés."

[vieses_iguais]
imita = [{vieses = "iguais"}, {vieses = "curtos"}]
dica = "Os dois vieses foram contados do mesmo tamanho: o de `expand` tem `vezes * C` números, e o de `contract`, `C`."
pergunta = "Quantos números saem de cada camada?"
erro = "O viés soma-se ao que sai: `vezes * C` numa, `C` na outra."

[uma_camada]
imita = {pesos = "um"}
dica = "Só os pesos de uma camada foram contados: há `expand` e há `contract`."
pergunta = "Quantas matrizes há?"
erro = "Cada uma tem `C · vezes · C` pesos."

[quadrado]
imita = {pesos = "quadrado"}
dica = "As matrizes não são quadradas: cada uma liga `C` números a `vezes * C`."
pergunta = "Que forma têm os pesos de `expand`?"
erro = "São (vezes · C, C): tantas linhas quantos neurônios, e C colunas."

[sempre_quatro]
imita = {neuronios = "quatro"}
dica = "A conta usou 4 em vez de `vezes`: o exercício pede qualquer expansão."
pergunta = "Com `vezes=2`, quantos neurônios há?"
erro = "São `vezes * C`."

[sem_expansao]
imita = {neuronios = "nenhuma"}
dica = "A expansão ficou de fora: são `vezes * C` neurônios, e não `C`."
pergunta = "Quantos números saem de `expand`?"
erro = "São `vezes * C`."

[soma]
imita = {neuronios = "soma"}
dica = "Os neurônios são `vezes * C`, e não `C + vezes`."
pergunta = "Com C = 24 e vezes = 4, quantos neurônios há?"
erro = "São 96."

[outra_conta]
dica = "Com C = {C}, vezes = {vezes} e bias = {bias}, veio {veio} e são {certo}: {diferenca}."
pergunta = "Quanto há em cada matriz e em cada viés?"
erro = "São {pesos} em cada matriz, e {vieses}."
""")
def parametros_do_feedforward(resposta):
    """`f(C, vezes, bias) -> int`: quantos parâmetros tem um feedforward que expande `vezes` vezes."""
    exigir(resposta)
    casos = [(24, 4, True), (24, 4, False), (10, 3, True), (7, 2, False), (5, 1, True), (96, 4, True)]
    vieram = [um_inteiro(chamar(resposta, *caso)) for caso in casos]
    for veio, caso in zip(vieram, casos, strict=True):
        C, vezes, bias = caso
        if veio == (certo := _parametros(*caso).item()):
            continue
        if falha := erro_conhecido("parametros_do_feedforward", [torch.tensor(n) for n in vieram], casos, _parametros, folga=0):
            raise falha
        raise diga("parametros_do_feedforward.outra_conta", C=C, vezes=vezes, bias=bias, veio=veio, certo=certo,
                   diferenca=f"{'sobram' if veio > certo else 'faltam'} {abs(veio - certo)}", pesos=C * vezes * C,
                   vieses=f"{vezes * C} e {C} nos vieses" if bias else "nenhum viés")
    return f"A conta bate em {len(casos)} tamanhos."


def _com_portao(x, W1, W2, W3, curva="relu", onde="primeira", junta="vezes", contrair=True, portao=True):
    f = {"nenhuma": lambda h: h}.get(curva) or _CURVAS[curva]
    lido, porta = x @ W1.T, x @ W2.T
    a = f(lido) if onde in ("primeira", "ambas") else lido
    b = f(porta) if onde in ("segunda", "ambas") else porta
    h = a if not portao else a + b if junta == "soma" else a * b
    h = f(h) if onde == "depois" else h
    h = h @ W3.T if contrair else h
    return f(h) if onde == "no fim" and contrair else h


@exercicio(r"""
onde = "Lição 03, «Expandir, curvar, contrair»."

[sem_portao]
imita = {portao = false}
dica = "A segunda expansão, `W2`, ficou de fora: isto é o feedforward de antes, sem o portão."
pergunta = "Onde a sua conta usa `x @ W2.T`?"
erro = "O que a curva deu se multiplica, número a número, por `x @ W2.T`."

[soma]
imita = {junta = "soma"}
dica = "As duas expansões foram somadas; o enunciado pede o produto, número a número."
pergunta = "Se a primeira dá 0, quanto tem de sair do par?"
erro = "Zero: um portão fechado não deixa passar nada, e a soma deixaria."

[sem_curva]
imita = {curva = "nenhuma"}
dica = "Faltou a curva na primeira expansão."
pergunta = "O que acontece ao que a primeira expansão lê?"
erro = "Passa pela ReLU, e só então se multiplica."

[curva_na_outra]
imita = {onde = "segunda"}
dica = "A curva foi posta na segunda expansão; o enunciado a pede na primeira, a de `W1`."
pergunta = "Qual das duas passa pela ReLU?"
erro = "`F.relu(x @ W1.T)`; a de `W2` entra na conta como está."

[curva_nas_duas]
imita = {onde = "ambas"}
dica = "A curva foi posta nas duas expansões; só a primeira passa por ela."
pergunta = "O portão pode trocar um sinal?"
erro = "Pode: a expansão de `W2` entra na conta como está, com os seus negativos."

[curva_depois]
imita = {onde = "depois"}
dica = "A curva veio depois do produto; o enunciado a pede antes, só na primeira expansão."
pergunta = "Dois negativos multiplicados dão o quê?"
erro = "Dão um positivo, que a ReLU deixaria passar; na ordem pedida, dá 0."

[curva_no_fim]
imita = {onde = "no fim"}
dica = "A curva veio no fim, depois de `W3`; ela age só na primeira expansão."
pergunta = "A saída pode ser negativa?"
erro = "Pode: o que se escreve não passa pela curva."

[sem_contrair]
imita = {contrair = false}
dica = "Faltou contrair com `W3`: a saída ficou com um número por neurônio."
pergunta = "Que matriz a sua conta não usou?"
erro = "A volta a C números é `h @ W3.T`."

[outra_curva]
imita = [{curva = "exata"}, {curva = "silu"}, {curva = "sigmoide"}, {curva = "tanh"}]
dica = "A curva usada não é a ReLU, a que o enunciado pede."
pergunta = "Quanto dá a sua curva em −1?"
erro = "A ReLU dá 0: `F.relu(h)`, ou `h.clamp(min=0)`."
onde = "Lição 03, «A dobra que falta»."
""")
def feedforward_com_portao(resposta):
    """`f(x, W1, W2, W3)`: ReLU na expansão de `W1`, vezes a de `W2`, e `W3` contrai. Sem vieses."""
    exigir(resposta)
    casos = [_sorteados(20 + i, (*lote, C), (h, C), (h, C), (C, h)) for i, (lote, C, h) in enumerate((((5,), 3, 12), ((2, 4), 2, 7), ((1,), 4, 1)))]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("feedforward_com_portao", saidas, casos, _com_portao, "")
    return f"Duas leituras, um portão e a volta a C, em {len(casos)} tamanhos."
