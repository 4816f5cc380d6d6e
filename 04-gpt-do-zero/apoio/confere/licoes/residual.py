"""Residual e normalização: o gradiente na fila, o atalho, normalizar, a LayerNorm, um passo pre-LN e a RMSNorm."""

import math
import operator
from functools import reduce

import torch
from torch import nn

from apoio.confere.corretor import (
    chamar,
    conferir_camada,
    descrever,
    diga,
    exercicio,
    exigir,
    julgar,
    mesmo_gradiente,
    pt,
    recusar_copia,
    sortear_pesos,
    sorteio,
    um_tensor,
    uma_lista_de_numeros,
)
from gptmini.residual import LayerNorm


def _na_fila(inclinacoes, modo="volta"):
    def corrida(valores, conta=operator.mul, comeco=1.0):
        corridos = [comeco]
        for v in valores:
            corridos.append(conta(corridos[-1], v))
        return corridos

    volta = corrida(inclinacoes[::-1])[::-1]
    return torch.tensor({
        "volta": volta,
        "ida": corrida(inclinacoes),
        "ao contrário": volta[::-1],
        "sem o fim": volta[:-1],
        "sem o começo": volta[1:],
        "sem acumular": [*inclinacoes, 1.0],
        "soma": corrida(inclinacoes[::-1], operator.add)[::-1],
        "soma do zero": corrida(inclinacoes[::-1], operator.add, 0.0)[::-1],
        "zero no fim": [0.0] * len(volta),
        "com atalho": corrida([1 + i for i in inclinacoes[::-1]])[::-1],
        "divide": corrida([1 / i for i in inclinacoes[::-1]])[::-1],
        "só o começo": volta[:1],
    }[modo], dtype=torch.double)


@exercicio(r"""
onde = "Lição 04, «Por que o gradiente some»."

[ida]
imita = {modo = "ida"}
dica = "A conta andou do começo para o fim; o gradiente parte do fim, onde vale 1, e volta."
pergunta = "Em que ponto da fila o empurrão no resultado muda o resultado na mesma medida?"
erro = "O 1 é o último número da lista; o anterior é a inclinação da última peça."

[ao_contrario]
imita = {modo = "ao contrário"}
dica = "Os números estão certos, mas a lista veio de trás para a frente: o primeiro é o do começo da fila."
pergunta = "O 1 do fim da fila está em que ponta da sua lista?"
erro = "Andando do fim para o começo, cada número novo entra na frente dos outros."

[sem_o_fim]
imita = {modo = "sem o fim"}
dica = "Faltou o 1 do fim da fila: com N peças há N + 1 pontos."
pergunta = "Entre duas peças há um ponto; quantos há ao todo, com as duas pontas?"
erro = "O último ponto é a saída da última peça, e ali o gradiente é 1."

[sem_o_comeco]
imita = {modo = "sem o começo"}
dica = "Faltou o ponto do começo, antes da primeira peça."
pergunta = "A inclinação da primeira peça entrou na conta?"
erro = "Com N peças há N + 1 pontos; o do começo é o produto de todas as inclinações."

[sem_acumular]
imita = {modo = "sem acumular"}
dica = "Cada número ficou só com a inclinação da sua peça; falta multiplicar pelo gradiente que já vinha do fim."
pergunta = "Para empurrar o fim, o empurrão do começo passa por quantas peças?"
erro = "O gradiente num ponto é o do ponto seguinte vezes a inclinação da peça entre os dois."

[soma]
imita = [{modo = "soma"}, {modo = "soma do zero"}]
dica = "As inclinações foram somadas; numa fila elas se multiplicam."
pergunta = "Se uma peça faz metade do empurrão e a outra, metade disso, quanto sobra?"
erro = "Sobra um quarto: 0,5 · 0,5."

[zero_no_fim]
imita = {modo = "zero no fim"}
dica = "Deu tudo zero: no fim da fila o gradiente é 1, e não 0."
pergunta = "Quanto é zero vezes qualquer inclinação?"
erro = "Comece do 1: empurrar o resultado muda o resultado na mesma medida."

[com_atalho]
imita = {modo = "com atalho"}
dica = "Isto é a fila com atalho: cada peça entrou como 1 mais a inclinação. Aqui ainda não há atalho."
pergunta = "Por onde o empurrão passa, quando a peça só substitui?"
erro = "Sem atalho, só pela peça: vezes a inclinação, e mais nada."

[divide]
imita = {modo = "divide"}
dica = "As inclinações dividiram; elas multiplicam."
pergunta = "Uma peça de inclinação 0,5 aumenta o empurrão ou o diminui?"
erro = "Diminui: sobra metade dele."

[so_o_comeco]
imita = {modo = "só o começo"}
dica = "Veio só o gradiente do começo; o exercício pede o de cada ponto da fila."
pergunta = "Quantos números a lista pedida tem?"
erro = "Com N peças, N + 1: guarde cada passo da conta."

[lista]
dica = "Esperava uma lista de números, e veio {veio}."
""")
def gradiente_na_fila(resposta):
    """`f(inclinacoes) -> lista`: o gradiente em cada ponto da fila, do começo ao fim."""
    exigir(resposta)
    casos = [([0.5, 0.4, 2.0],), ([0.2, 3.0, -0.7, 0.9, 1.5],), ([-0.25, 0.6],), ([0.3],)]
    saidas = []
    for (inclinacoes,) in casos:
        veio = chamar(resposta, inclinacoes)
        if (numeros := uma_lista_de_numeros(veio)) is None:
            raise diga("gradiente_na_fila.lista", veio=descrever(veio))
        saidas.append(numeros)
    julgar("gradiente_na_fila", saidas, casos, _na_fila, "")
    return f"Do fim ao começo, em {len(casos)} filas: cada ponto é o seguinte vezes a inclinação da peça entre os dois."


def _na_pilha(x, pecas, modo="certo"):
    def em_fila(quais, comeco):
        return reduce(lambda t, f: f(t), quais, comeco)

    if modo == "substitui":
        return em_fila(pecas, x)
    if modo == "um atalho só":
        return x + em_fila(pecas, x)
    if modo == "todas leem o começo":
        return x + sum(f(x) for f in pecas)
    if modo == "só a última":
        return x + pecas[-1](x)
    passos = {
        "certo": lambda t, f: t + f(t),
        "soma o começo": lambda t, f: x + f(t),
        "lê o começo": lambda t, f: t + f(x),
        "produto": lambda t, f: t * f(t),
        "menos": lambda t, f: t - f(t),
        "em dobro": lambda t, f: t + t + f(t),
        "lê o que somou": lambda t, f: f(t) + f(f(t)),
    }
    quais = pecas[:1] if modo == "só a primeira" else pecas
    return reduce(passos["certo" if modo == "só a primeira" else modo], quais, x)


@exercicio(r"""
onde = "Lição 04, «O atalho»."

[substitui]
imita = {modo = "substitui"}
dica = "As peças substituíram o x: faltou somar, a cada peça, o que ela leu."
pergunta = "Depois da primeira peça, onde está o x que entrou?"
erro = "Cada passo é `x = x + peca(x)`."

[so_a_ultima]
imita = {modo = "só a última"}
dica = "Só a última peça contou: o resultado de cada passo se perdeu antes do seguinte."
pergunta = "Que variável a segunda peça lê, e onde você guardou o que a primeira deixou?"
erro = "Guarde cada resultado no próprio x, que a peça seguinte vai ler."

[so_a_primeira]
imita = {modo = "só a primeira"}
dica = "Só a primeira peça contou: o `return` veio dentro do laço?"
pergunta = "Quando a função devolve o resultado: a cada peça, ou depois de todas?"
erro = "O `return` fica fora do `for`, alinhado com ele."

[todas_leem_o_comeco]
imita = [{modo = "todas leem o começo"}, {modo = "lê o começo"}]
dica = "Todas as peças leram o x do começo; cada uma lê o que a anterior deixou."
pergunta = "O que a segunda peça recebe?"
erro = "Recebe x mais o que a primeira escreveu."

[soma_o_comeco]
imita = {modo = "soma o começo"}
dica = "A cada passo se somou o x do começo, e o que as outras peças escreveram se perdeu."
pergunta = "Na segunda peça, o que se soma ao que ela escreve?"
erro = "Soma-se o que ela leu: x mais o que a primeira escreveu."

[um_atalho_so]
imita = {modo = "um atalho só"}
dica = "Há um atalho só, por fora da fila inteira; cada peça tem o seu."
pergunta = "Quantas somas há numa pilha de 3 peças?"
erro = "São 3: uma por peça."

[produto]
imita = {modo = "produto"}
dica = "O que a peça deu multiplicou x; o atalho soma."
pergunta = "O que conserva o x que entrou: somar ou multiplicar?"
erro = "Na soma, x continua lá dentro como parcela."

[menos]
imita = {modo = "menos"}
dica = "O que a peça escreveu foi subtraído; o atalho soma."
pergunta = "Que sinal há em x + f(x)?"
erro = "É uma soma: `x = x + peca(x)`."

[em_dobro]
imita = {modo = "em dobro"}
dica = "O x entrou duas vezes em cada passo."
pergunta = "Quantas parcelas há em x + f(x)?"
erro = "Duas: o que a peça leu, uma vez, e o que ela escreveu."

[le_o_que_somou]
imita = {modo = "lê o que somou"}
dica = "A peça foi chamada duas vezes, e o x não ficou: some o que ela leu, e não o que ela deu."
pergunta = "Depois da linha `x = peca(x)`, x ainda é o que entrou na peça?"
erro = "Some na mesma linha: `x = x + peca(x)`."
""")
def pilha_com_atalho(resposta):
    """`f(x, pecas)`: o x passa por todas, com um atalho em cada uma."""
    exigir(resposta)
    pecas = [lambda t: (t * 0.7).sin() + 0.2, lambda t: t * t / 9 - 0.4, lambda t: (t - 1).cos() * 1.3, lambda t: 0.3 * t + 0.1]
    casos = [(torch.randn(*forma, generator=sorteio(i)) + 0.5, [pecas[j] for j in quais])
             for i, (forma, quais) in enumerate([((3, 4), (0, 1, 2)), ((2, 3, 5), (2, 0, 3, 1)), ((4,), (1, 2)), ((2, 2), (3,))])]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("pilha_com_atalho", saidas, casos, _na_pilha, "")
    x, quais = casos[0]
    mesmo_gradiente(lambda x: _na_pilha(x, quais), lambda x: resposta(x, quais), [x], 1e-3)
    return f"O que saiu é o que entrou mais o que cada peça escreveu, em {len(casos)} pilhas."


def _normal(x, eixo=-1, por="C", eps="dentro", valor=1e-5, media=True, raiz=True):
    """x centrado e dividido pelo desvio, sem ganho nem viés."""
    eixos = eixo if isinstance(eixo, list) else [eixo]
    centro = x if media is False else x - x.mean(eixos, keepdim=True)
    variancia = (centro**2).sum(eixos, keepdim=True) / (math.prod(x.shape[e] for e in eixos) - (por == "C − 1"))
    desvio = {"dentro": (variancia + valor).sqrt(), "fora": variancia.sqrt() + valor, "sem": variancia.sqrt()}[eps]
    return (centro if media is True else x) / (desvio if raiz else variancia + valor)


_DA_NORMALIZACAO = r"""
[variancia_por_C_menos_1]
imita = {por = "C − 1"}
dica = "A variância dividiu por C − 1; na LayerNorm divide-se por C."
pergunta = "Que divisor `torch.var` e `torch.std` usam por padrão?"
erro = "C − 1 é o costume da estatística para amostras; use `correction=0`, ou a média dos quadrados."

[eps_fora]
imita = [{eps = "fora"}, {eps = "fora", valor = 1e-6}, {eps = "fora", valor = 1e-8}]
dica = "O ε está fora da raiz: some-o à variância, dentro dela."
pergunta = "Quantas vezes maior que um empurrão minúsculo é a raiz dele?"
erro = "Em zero a inclinação da raiz não tem limite, e um token constante pode estragar o gradiente; num token de variância pequena a saída também muda."
onde = "Lição 04, «Por que ε fica dentro da raiz»."

[outro_eps]
imita = [{valor = 1e-4}, {valor = 1e-3}, {valor = 1e-2}, {valor = 1e-7}, {valor = 1e-10}, {valor = 2e-5}]
dica = "O ε é outro: o exercício pede 10⁻⁵, que em Python se escreve `1e-5` (`10e-5` é dez vezes maior)."
pergunta = "Quanto valem `1e-5` e `10e-5`?"
erro = "O número antes do `e` já multiplica: 10 · 10⁻⁵ é 10⁻⁴."

[sem_eps]
imita = {eps = "sem"}
dica = "Faltou o ε: um token com todos os números iguais dá 0/0."
pergunta = "Qual é a variância de [7, 7, 7, 7]?"
erro = "Soma-se um número minúsculo à variância, dentro da raiz."
onde = "Lição 04, «Por que ε fica dentro da raiz»."

[outro_eixo]
imita = [{eixo = 1}, {eixo = 0}, {eixo = [1, 2]}, {eixo = [0, 1]}, {eixo = [0, 1, 2]}]
dica = "A normalização correu no eixo errado: média e variância são dos C números de cada token, no último eixo."
pergunta = "A média de um token pode depender de outro token?"
erro = "Use `dim=-1` e `keepdim=True`; sem `dim`, a média é do tensor inteiro."
onde = "Lição 04, «Com tensores: cada token sozinho»."

[sem_media]
imita = [{media = false}, {media = "só na variância"}]
dica = "Faltou subtrair a média: divide-se x − média, e não x."
pergunta = "Que média tem um token depois da sua conta, antes de ganho e viés?"
erro = "A LayerNorm centra antes de dividir."

[sem_raiz]
imita = {raiz = false}
dica = "Faltou a raiz: divide-se pelo desvio padrão, e não pela variância."
pergunta = "Que variância tem um token depois da sua conta, antes de ganho e viés?"
erro = "Para [3, 9, 11, 17] a variância é 25, e o desvio, 5."

[media]
dica = "A normalização não centra: antes de ganho e viés, um token deveria ter média 0, e o seu tem {veio}."
pergunta = "De que se subtrai a média, e quando?"
erro = "Subtrai-se a média do token antes de dividir: confira os parênteses."

[variancia]
dica = "A normalização não põe na escala: antes de ganho e viés, um token deveria ter variância 1, e o seu tem {veio}."
pergunta = "Por que número se divide?"
erro = "Pela raiz de (variância + ε), e a variância é a média dos quadrados das diferenças; ε é minúsculo, 1e-5."
"""


def _da_escala(da_media, da_variancia, x, normal):
    """Um token que é o x com outro centro e outra escala, e só então: de que média e de que variância ele ficou."""
    x, normal = x.double()[0, 0], normal.double()[0, 0]
    forma = _normal(x, eps="sem")
    media, variancia = normal.mean(), normal.var(correction=0)
    if not torch.allclose(normal - media, (normal * forma).mean() * forma, atol=1e-3):
        return None
    if abs(media) > 1e-3:
        return diga(da_media, veio=pt(media))
    return diga(da_variancia, veio=pt(variancia)) if abs(variancia - 1) > 1e-3 else None


def _entradas(*formas):
    """Tokens comuns; no último caso, de variância bem menor que ε, para ver onde ele está, e dois de números iguais."""
    xs = [3 * torch.randn(*forma, generator=sorteio(i)) + 2 for i, forma in enumerate(formas)]
    x = xs[-1]
    x -= 2
    x *= 3e-6
    x[0, 1], x[1, 0] = 7.0, 0.0
    return xs


EPS_ACEITOS = [{"valor": v} for v in (1e-5, 1e-6, 1e-8, 1e-12)]


@exercicio(r"""
onde = "Lição 04, «Com tensores: cada token sozinho»."
""" + _DA_NORMALIZACAO)
def normalizar(resposta):
    """`f(x)`: cada token com média 0 e variância 1, ε = 1e-5 dentro da raiz; sem ganho nem viés."""
    exigir(resposta)
    casos = [(x,) for x in _entradas((2, 5, 6), (3, 4, 7), (1, 1, 64), (2, 3, 5))]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    with torch.no_grad():
        aceito = julgar("normalizar", saidas, casos, _normal, "B T C", aceita=EPS_ACEITOS,
                        sintomas=lambda saidas, casos: _da_escala("normalizar.media", "normalizar.variancia", casos[0][0], saidas[0]))
    mesmo_gradiente(lambda x: _normal(x, **aceito), resposta, [casos[0][0]], 1e-3)
    return f"Cada token, sozinho, com média 0 e variância 1, em {len(casos)} tamanhos."


def _layernorm(m, x, ganho="vezes", vies="mais", papeis="certos", **normal):
    g, b = (m.gain, m.bias) if papeis == "certos" else (m.bias, m.gain)
    x = x * g if ganho == "na entrada" else x
    n = _normal(x + b if vies == "na entrada" else x, **normal)
    n = n + b if vies == "antes" else n
    n = {"vezes": lambda: n * g, "mais": lambda: n + g, "divide": lambda: n / g}.get(ganho, lambda: n)()
    return {"mais": lambda: n + b, "vezes": lambda: n * b, "menos": lambda: n - b}.get(vies, lambda: n)()


def _sintomas_da_norma(_, saidas, casos):
    gabarito, x = casos[0]
    veio, normal = saidas[0].double(), _normal(x).double()
    if falha := _da_escala("layernorm.media", "layernorm.variancia", x, (veio - gabarito.bias) / gabarito.gain):
        return falha
    # Coluna a coluna, a saída é a normal vezes um número mais outro? Então a normalização está certa, e o erro vem depois dela.
    a, b = veio.flatten(0, -2), normal.flatten(0, -2)                  # (B·T, C)
    inclina = (a * b).mean(0) - a.mean(0) * b.mean(0)
    inclina = inclina / (b.square().mean(0) - b.mean(0).square())
    desloca = a.mean(0) - inclina * b.mean(0)
    if torch.allclose(b * inclina + desloca, a, atol=1e-3):
        for nome, veio_ali, certo in (("layernorm.ganho_outro", inclina, gabarito.gain), ("layernorm.vies_outro", desloca, gabarito.bias)):
            if not torch.allclose(veio_ali, certo.double(), atol=1e-3):
                return diga(nome, veio=pt(veio_ali[0]), certo=pt(certo[0]))
    return None


@exercicio(r"""
onde = "Lição 04, «Ganho e viés»."

[sem_ganho]
imita = {ganho = "sem"}
dica = "Faltou o ganho: multiplique o resultado por `gain`."
pergunta = "Que parâmetro do construtor você não usou?"
erro = "O ganho deixa o treino escolher outra escala."

[ganho_somado]
imita = {ganho = "mais"}
dica = "O ganho foi somado; ele multiplica. A normalização está certa."
pergunta = "Com ganho 1 e viés 0, a LayerNorm deveria mudar o vetor já normalizado?"
erro = "É normal · `gain` + `bias`: multiplicar por 1 não muda nada, e somar 1 muda."

[ganho_divide]
imita = {ganho = "divide"}
dica = "O ganho acabou dividindo; ele multiplica. A normalização está certa."
pergunta = "O `gain` ficou dentro do denominador?"
erro = "Só o desvio divide; o ganho multiplica o que saiu da divisão."

[ganho_na_entrada]
imita = {ganho = "na entrada"}
dica = "O ganho entrou cedo: multiplicou x antes da média e do desvio. Ele vem depois de dividir."
pergunta = "A média e o desvio são de que números: os que entraram, ou os já multiplicados?"
erro = "Normalize primeiro o x que entrou; o ganho multiplica o resultado."

[sem_vies]
imita = {vies = "sem"}
dica = "Faltou o viés: some `bias` ao resultado."
pergunta = "Que parâmetro do construtor você não usou?"
erro = "O viés deixa o treino escolher outro centro."

[vies_multiplicado]
imita = {vies = "vezes"}
dica = "O viés multiplicou; ele se soma. A normalização está certa."
pergunta = "Com ganho 1 e viés 0, o que a sua conta devolve?"
erro = "É normal · `gain` + `bias`: somar 0 não muda nada, e multiplicar por 0 apaga tudo."

[vies_subtraido]
imita = {vies = "menos"}
dica = "O viés foi subtraído; ele se soma. A normalização está certa."
pergunta = "Que sinal vem antes de `bias`?"
erro = "É normal · `gain` + `bias`."

[vies_na_entrada]
imita = {vies = "na entrada"}
dica = "O viés entrou cedo: foi somado a x antes da média e do desvio. Ele é a última soma."
pergunta = "A média e o desvio são de que números: os que entraram, ou os já deslocados?"
erro = "Normalize primeiro o x que entrou; o viés se soma no fim."

[vies_antes]
imita = {vies = "antes"}
dica = "O viés entrou antes do ganho, e foi multiplicado por ele: primeiro se multiplica, depois se soma."
pergunta = "Qual é a ordem: ganho ou viés?"
erro = "É normal · `gain` + `bias`."

[trocados]
imita = {papeis = "trocados"}
dica = "Ganho e viés estão trocados: `bias` multiplicou e `gain` foi somado. A normalização está certa."
pergunta = "Qual dos dois começa em 1, e por quê?"
erro = "O ganho começa em 1 porque multiplica; o viés, em 0, porque se soma."

[ganho_outro]
dica = "A normalização está certa, e o que vem depois, não: o primeiro número sai multiplicado por {veio}, e o ganho dele é {certo}."
pergunta = "O que multiplica o vetor já normalizado?"
erro = "Só `gain`, uma vez."

[vies_outro]
dica = "A normalização e o ganho estão certos, e o viés, não: ao primeiro número somou-se {veio}, e o viés dele é {certo}."
pergunta = "O que se soma no fim?"
erro = "Só `bias`, uma vez."
""" + _DA_NORMALIZACAO)
def layernorm(resposta):
    """Classe `(d_model)` com `gain` e `bias`; `forward(x)` normaliza os C números de cada token."""
    recusar_copia(resposta, LayerNorm, "LayerNormSimples")
    casos = [(x.shape[-1], sortear_pesos(LayerNorm(x.shape[-1]), i), x)
             for i, x in enumerate(_entradas((2, 5, 6), (3, 4, 7), (1, 1, 64), (2, 3, 5)))]
    return conferir_camada("layernorm", resposta, casos, _layernorm, sintomas=_sintomas_da_norma, aceita=EPS_ACEITOS)


class _RMSNorm(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        return _rms(self, x)


def _rms(m, x, eixo=-1, eps="dentro", valor=1e-5, ganho="vezes", raiz=True, junta="quadrados", centro="nada"):
    eixos = eixo if isinstance(eixo, list) else [eixo]
    x = x * m.gain if ganho == "na entrada" else x
    c = x - x.mean(eixos, keepdim=True)
    cima, baixo = {"nada": (x, x), "tira": (c, c), "só no divisor": (x, c), "só em cima": (c, x)}[centro]
    medida = {"quadrados": lambda: (baixo**2).mean(eixos, keepdim=True), "soma": lambda: (baixo**2).sum(eixos, keepdim=True),
              "quadrado da média": lambda: baixo.mean(eixos, keepdim=True) ** 2,
              "sem sinal": lambda: baixo.abs().mean(eixos, keepdim=True) ** 2}[junta]()
    divisor = {"dentro": (medida + valor).sqrt(), "fora": medida.sqrt() + valor, "sem": medida.sqrt()}[eps]
    n = cima / (divisor if raiz else medida + valor)
    return {"vezes": lambda: n * m.gain, "mais": lambda: n + m.gain, "divide": lambda: n / m.gain}.get(ganho, lambda: n)()


@exercicio(r"""
onde = "Lição 04, «Com tensores: cada token sozinho»."

[centrou]
imita = {centro = "tira"}
dica = "A média foi subtraída, como na LayerNorm; a RMSNorm não centra."
pergunta = "Que passo da LayerNorm o enunciado manda deixar de fora?"
erro = "Divide-se o próprio x, e a raiz é da média dos quadrados dele."

[pelo_desvio]
imita = {centro = "só no divisor"}
dica = "O divisor foi o desvio, que mede a distância até a média; aqui é a raiz da média dos quadrados do próprio x."
pergunta = "Os quadrados são de x, ou de x − média?"
erro = "São de x: a RMSNorm não calcula a média em lugar nenhum."

[centrou_em_cima]
imita = {centro = "só em cima"}
dica = "O divisor está certo, mas o que se dividiu foi x − média: a RMSNorm divide o próprio x."
pergunta = "Que passo da LayerNorm o enunciado manda deixar de fora?"
erro = "Não se subtrai nada de x."

[soma]
imita = {junta = "soma"}
dica = "Os quadrados foram somados; o divisor pede a **média** deles."
pergunta = "Num vetor só de números 2, com C = 4, quanto deve ser o divisor?"
erro = "Deve ser 2: a média dos quadrados é 4. A soma daria 16."

[quadrado_da_media]
imita = {junta = "quadrado da média"}
dica = "Elevou-se a média ao quadrado; é ao contrário, a média dos quadrados."
pergunta = "Em [1, −1], quanto é a média? E a média dos quadrados?"
erro = "São 0 e 1: primeiro se eleva cada número, depois se tira a média."

[sem_sinal]
imita = {junta = "sem sinal"}
dica = "O divisor foi a média dos números sem o sinal; o enunciado pede quadrados e raiz."
pergunta = "Em [3, 1], quanto é a raiz da média dos quadrados?"
erro = "É √5, perto de 2,24; a média sem o sinal é 2."

[sem_raiz]
imita = {raiz = false}
dica = "Faltou a raiz: divide-se pela raiz da média dos quadrados."
pergunta = "Num vetor só de números 2, quanto sai, com ganho 1?"
erro = "Sai 1: dividir por 4 daria 0,5."

[sem_ganho]
imita = {ganho = "sem"}
dica = "Faltou o ganho: multiplique o resultado por `gain`."
pergunta = "Que parâmetro do construtor você não usou?"
erro = "O ganho multiplica o que saiu da divisão, número a número."

[ganho_somado]
imita = {ganho = "mais"}
dica = "O ganho foi somado; ele multiplica."
pergunta = "Com ganho 1, a conta deveria mudar o vetor já dividido?"
erro = "Multiplicar por 1 não muda nada; somar 1 muda."

[ganho_divide]
imita = {ganho = "divide"}
dica = "O ganho acabou dividindo; ele multiplica."
pergunta = "O `gain` ficou dentro do denominador?"
erro = "Só a raiz divide; o ganho multiplica o que saiu da divisão."

[ganho_na_entrada]
imita = {ganho = "na entrada"}
dica = "O ganho entrou cedo: multiplicou x antes dos quadrados. Ele vem depois de dividir."
pergunta = "Os quadrados são de que números: os que entraram, ou os já multiplicados?"
erro = "Divida primeiro o x que entrou; o ganho multiplica o resultado."

[eps_fora]
imita = [{eps = "fora"}, {eps = "fora", valor = 1e-6}, {eps = "fora", valor = 1e-8}]
dica = "O ε está fora da raiz: some-o à média dos quadrados, dentro dela."
pergunta = "Quantas vezes maior que um empurrão minúsculo é a raiz dele?"
erro = "Num token todo de zeros, a inclinação da raiz não teria limite."
onde = "Lição 04, «Por que ε fica dentro da raiz»."

[sem_eps]
imita = {eps = "sem"}
dica = "Faltou o ε: um token todo de zeros dá 0/0."
pergunta = "Qual é a média dos quadrados de [0, 0, 0]?"
erro = "Soma-se um número minúsculo à média dos quadrados, dentro da raiz."
onde = "Lição 04, «Por que ε fica dentro da raiz»."

[outro_eps]
imita = [{valor = 1e-4}, {valor = 1e-3}, {valor = 1e-2}, {valor = 1e-7}, {valor = 1e-10}]
dica = "O ε é outro: o exercício pede 10⁻⁵, que em Python se escreve `1e-5` (`10e-5` é dez vezes maior)."
pergunta = "Quanto valem `1e-5` e `10e-5`?"
erro = "O número antes do `e` já multiplica: 10 · 10⁻⁵ é 10⁻⁴."

[outro_eixo]
imita = [{eixo = 1}, {eixo = 0}, {eixo = [1, 2]}, {eixo = [0, 1]}, {eixo = [0, 1, 2]}]
dica = "A média correu no eixo errado: os quadrados são dos C números de cada token, no último eixo."
pergunta = "A escala de um token pode depender de outro token?"
erro = "Use `dim=-1` e `keepdim=True`; sem `dim`, a média é do tensor inteiro."
""")
def rmsnorm(resposta):
    """Classe `(d_model)` com `gain`; `forward(x)` divide cada token pela raiz da média dos quadrados, sem centrar."""
    exigir(resposta, classe=True)
    casos = [(x.shape[-1], sortear_pesos(_RMSNorm(x.shape[-1]), i), x)
             for i, x in enumerate(_entradas((2, 5, 6), (3, 4, 7), (1, 1, 64), (2, 3, 5)))]
    return conferir_camada("rmsnorm", resposta, casos, _rms, aceita=EPS_ACEITOS)


def passo(x, peca, norma, modo="pre"):
    return {
        "pre": lambda: x + peca(norma(x)),
        "pós": lambda: norma(x + peca(x)),
        "na saída": lambda: x + norma(peca(x)),
        "sem norma": lambda: x + peca(x),
        "da norma": lambda: norma(x) + peca(norma(x)),
        "sem soma": lambda: peca(norma(x)),
        "sem peça": lambda: x + norma(x),
        "duas normas": lambda: x + norma(peca(norma(x))),
        "norma da soma": lambda: norma(x + peca(norma(x))),
        "trocados": lambda: norma(x) + peca(x),
        "produto": lambda: x * peca(norma(x)),
        "nada": lambda: x,
    }[modo]()


@exercicio(r"""
onde = "Lição 04, «Onde pôr a normalização: *pre-LN* e *post-LN*»."

[post_ln]
imita = {modo = "pós"}
dica = "Isto é *post-LN*: a normalização veio depois da soma. Aqui ela fica na entrada da peça."
pergunta = "O x passa por alguma normalização no caminho direto?"
erro = "Com a normalização depois da soma, o atalho deixa de ser um caminho livre."

[norma_na_saida]
imita = {modo = "na saída"}
dica = "A normalização foi posta na saída da peça; ela fica na entrada."
pergunta = "O que a peça lê: x ou o x normalizado?"
erro = "Sem normalização na entrada, a peça lê números em escalas diferentes."

[sem_norma]
imita = {modo = "sem norma"}
dica = "Faltou a normalização: a peça leu x cru."
pergunta = "O que a peça lê: x ou o x normalizado?"
erro = "A soma cresce a cada peça, e a escala do que se lê também."
onde = "Lição 04, «Por que ainda falta uma normalização»."

[atalho_da_norma]
imita = {modo = "da norma"}
dica = "O atalho saiu do valor normalizado: some o x que entrou, e não o normalizado."
pergunta = "Depois da soma, o x que entrou ainda está lá dentro?"
erro = "A normalização é só para o que a peça lê; no caminho direto passa x."

[sem_atalho]
imita = {modo = "sem soma"}
dica = "Faltou o atalho: some x ao que a peça escreveu."
pergunta = "Depois da sua conta, onde está o x?"
erro = "Sem a soma, o sinal e o gradiente somem em pilhas fundas."
onde = "Lição 04, «O atalho»."

[duas_normas]
imita = {modo = "duas normas"}
dica = "A normalização entrou duas vezes: ela fica só na entrada da peça."
pergunta = "O que a peça escreve passa por alguma normalização antes da soma?"
erro = "O que a peça escreveu se soma como está."

[norma_da_soma]
imita = {modo = "norma da soma"}
dica = "O resultado da soma passou por outra normalização: ela fica só na entrada da peça."
pergunta = "O x passa por alguma normalização no caminho direto?"
erro = "Com uma normalização depois da soma, o atalho deixa de ser um caminho livre."

[trocados]
imita = {modo = "trocados"}
dica = "A normalização ficou no atalho, e a peça leu x cru: é o contrário."
pergunta = "Quem precisa ler números na mesma escala?"
erro = "A peça lê o x normalizado; no caminho direto passa x."

[produto]
imita = {modo = "produto"}
dica = "O resultado da peça multiplicou x; é para somar."
pergunta = "O que conserva o x que entrou: somar ou multiplicar?"
erro = "Na soma, x continua lá dentro como parcela."

[sem_peca]
imita = {modo = "sem peça"}
dica = "A peça não foi chamada: `sublayer` ficou de fora."
pergunta = "Quem escreve no fluxo?"
erro = "Somou-se só o x normalizado."
""")
def residual(resposta):
    """`f(x, sublayer, norm)`: um passo pre-LN, (B, T, C) -> (B, T, C)."""
    exigir(resposta)
    casos = [(torch.randn(B, T, C, generator=sorteio(i)) + 1, sortear_pesos(nn.Linear(C, C), i + 5), sortear_pesos(LayerNorm(C), i))
             for i, (B, T, C) in enumerate([(2, 5, 6), (3, 4, 8)])]
    casos.append((10 * torch.randn(1, 7, 4, generator=sorteio(2)), lambda h: h.cumsum(1).sin(), lambda h: h.tanh() * 2))
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    with torch.no_grad():
        julgar("residual", saidas, casos, passo, "B T C")
    x, *pecas = casos[0]
    mesmo_gradiente(lambda x: passo(x, *pecas), lambda x: resposta(x, *pecas), [x], 1e-3)
    return "x mais o que a peça escreveu, lendo o x normalizado."
