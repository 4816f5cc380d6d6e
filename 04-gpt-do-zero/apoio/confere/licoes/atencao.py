"""Atenção: a máscara, os pesos, as cabeças e a classe."""

import math

import torch
import torch.nn.functional as F

from apoio.confere.corretor import (
    casos_da_ficha,
    chamar,
    conferir_camada,
    descrever,
    diga,
    e_um,
    exercicio,
    exigir,
    igual,
    julgar,
    pt,
    recusar_copia,
    sorteio,
    um_tensor,
    uma_lista_de_numeros,
)
from apoio.numeros import formatado
from gptmini.atencao import CausalSelfAttention


def _lapis(pontos, modo="certo"):
    pontos = torch.tensor(pontos, dtype=torch.double)
    e = pontos.exp()
    return {
        "certo": lambda: e / e.sum(),
        "sem exponencial": lambda: pontos / pontos.sum(),
        "sem dividir": lambda: e,
        "pelo maior": lambda: e / e.max(),
        "pelo tamanho": lambda: e / len(pontos),
        "soma dos pontos": lambda: e / pontos.sum(),
        "exponencial do peso": lambda: (pontos / pontos.sum()).exp(),
        "base 2": lambda: 2**pontos / (2**pontos).sum(),
        "ao contrário": lambda: (-pontos).exp() / (-pontos).exp().sum(),
        "só o maior": lambda: (pontos == pontos.max()).double(),
    }[modo]()


@exercicio(r"""
onde = "Lição 02, «Dos pontos aos pesos»."

[sem_exponencial]
imita = {modo = "sem exponencial"}
dica = "Faltou a exponencial: você dividiu cada ponto pela soma dos pontos."
pergunta = "Que sinal têm os seus pesos quando um ponto é negativo?"
erro = "Peso é positivo: primeiro `math.exp` de cada ponto, depois a divisão."

[sem_dividir]
imita = {modo = "sem dividir"}
dica = "Faltou dividir: isto são as exponenciais, e a soma delas não é 1."
pergunta = "Quanto somam os seus pesos?"
erro = "Cada exponencial se divide pela soma de todas elas."

[pelo_maior]
imita = {modo = "pelo maior"}
dica = "Você dividiu pela maior exponencial; é pela soma delas."
pergunta = "Quanto somam os seus pesos?"
erro = "Dividindo pela maior, o maior peso é 1, e a soma passa de 1."

[pelo_tamanho]
imita = {modo = "pelo tamanho"}
dica = "Você dividiu pela quantidade de pontos; é pela soma das exponenciais."
pergunta = "Quanto somam os seus pesos?"
erro = "A quantidade não sabe o tamanho de cada exponencial."

[soma_dos_pontos]
imita = {modo = "soma dos pontos"}
dica = "Você dividiu pela soma dos pontos; é pela soma das exponenciais."
pergunta = "O que está em cima e o que está embaixo da divisão?"
erro = "Em cima e embaixo vão as mesmas coisas: exponenciais."

[exponencial_do_peso]
imita = {modo = "exponencial do peso"}
dica = "A exponencial veio depois da divisão; é antes."
pergunta = "O que se faz primeiro, a exponencial ou a divisão?"
erro = "Feita por último, a exponencial desfaz a soma 1."

[base_2]
imita = {modo = "base 2"}
dica = "A base é outra: você usou 2 elevado ao ponto; aqui é `math.exp`."
pergunta = "Quanto é a exponencial de 1?"
erro = "`math.exp(1)` é 2,718…, e `2**1` é 2."

[ao_contrario]
imita = {modo = "ao contrário"}
dica = "O sinal está trocado: o maior ponto ficou com o menor peso."
pergunta = "Quem combina melhor leva mais ou menos atenção?"
erro = "É a exponencial do ponto, e não a do ponto com sinal trocado."

[so_o_maior]
imita = {modo = "só o maior"}
dica = "Só o maior ponto levou peso; os outros também levam uma parte."
pergunta = "Que parte leva um ponto um pouco menor que o maior?"
erro = "A exponencial dá uma parte a todos, maior para quem tem mais pontos."

[dicionario]
dica = "Veio um dicionário; aqui é para devolver uma lista, na ordem dos pontos."
pergunta = "O que `pontos` é neste exercício?"
erro = "Não há palavras: entra uma lista de números, e sai outra do mesmo tamanho."
onde = "O molde do exercício, no comentário."

[um_numero_so]
dica = "Veio {veio}; esperava uma lista, com um peso por ponto."
pergunta = "O `return` está dentro do laço, ou depois dele?"
erro = "Guarde cada peso numa lista e devolva a lista no fim."
onde = "O molde do exercício, no comentário."
""")
def pesos_a_lapis(resposta):
    """`f(pontos) -> pesos`: lista de números -> lista dos pesos do softmax."""
    exigir(resposta)
    casos = [([2.0, 0.0, 1.0],), ([-1.5, 3.0, 0.5, 1.0],), ([5.0],), ([-2.0, -1.0],), ([0.25, 0.5, 0.75, 1.0, 4.0],)]
    saidas = []
    for caso in casos:
        valor = chamar(resposta, *caso)
        if e_um(valor, dict):
            raise diga("pesos_a_lapis.dicionario")
        if (numeros := uma_lista_de_numeros(valor)) is None:
            raise diga("pesos_a_lapis.um_numero_so", veio=descrever(valor))
        saidas.append(numeros)
    julgar("pesos_a_lapis", saidas, casos, _lapis, "T")
    return f"Positivos, e somam 1, em {len(casos)} listas."


def _mascara(T, forma="tril"):
    um = torch.ones(T, T)
    return {"tril": um.tril(), "triu": um.triu(), "sem diagonal": um.tril(-1), "avesso": um.triu(1), "tudo": um,
            "um a mais": um.tril(1), "só a diagonal": torch.eye(T),
            "somar": torch.zeros(T, T).masked_fill(um.triu(1) == 1, -math.inf)}[forma]


@exercicio(r"""
onde = "Lição 02, «A máscara causal»."

[transposta]
imita = {forma = "triu"}
dica = "A máscara está transposta: cada token vê a si e aos que vêm depois."
pergunta = "Na linha 0, o primeiro token, quem pode ser visto?"
erro = "A linha é quem olha e a coluna é quem é olhado; `triu` guarda o futuro."

[sem_diagonal]
imita = {forma = "sem diagonal"}
dica = "A diagonal ficou de fora: nenhum token vê a si mesmo, e o token 0 não vê ninguém."
pergunta = "O que sobra na linha 0?"
erro = "Com a diagonal tapada, a linha 0 só tem −∞, e o softmax dela dá `nan`."

[ao_avesso]
imita = {forma = "avesso"}
dica = "A máscara está ao avesso: `True` marca o proibido, e aqui é para marcar o permitido."
pergunta = "Na linha 0, que coluna deve ser `True`?"
erro = "Há funções do PyTorch em que `True` é proibido; aqui é permitido."

[tudo_permitido]
imita = {forma = "tudo"}
dica = "Tudo está permitido: cada token vê o futuro."
pergunta = "O token 0 pode ver o token 1?"
erro = "Falta o corte acima da diagonal."

[um_a_mais]
imita = {forma = "um a mais"}
dica = "Cada token vê também o seguinte: o corte ficou uma casa acima da diagonal."
pergunta = "O token 0 pode ver o token 1?"
erro = "Em `tril(diagonal=1)` a diagonal de cima entra; `tril()` para na principal."

[so_a_diagonal]
imita = {forma = "só a diagonal"}
dica = "Cada token só vê a si mesmo: falta permitir os anteriores."
pergunta = "Na última linha, quem pode ser visto?"
erro = "Permitem-se a diagonal e tudo o que está abaixo dela."

[de_somar]
imita = {forma = "somar"}
dica = "Veio a máscara de somar (0 e −∞); esperava `True` onde se pode olhar."
pergunta = "De que tipo é a sua máscara?"
erro = "Ela serve para somar aos pontos, mas o exercício pede verdadeiro ou falso."

[tipo]
dica = "Os valores estão certos, mas o tipo é `{veio}`; esperava `torch.bool`."
pergunta = "O que `~mascara` faria com esses números?"
erro = "`masked_fill(~mascara, …)` só aceita verdadeiro ou falso."
onde = "Use `dtype=torch.bool`, `.bool()` ou uma comparação, como `i >= j`."
""")
def mascara_causal(resposta):
    """`f(T) -> (T, T)` de verdadeiro ou falso: `True` onde a atenção é permitida."""
    exigir(resposta)
    casos = [(5,), (1,), (8,), (2,), (97,), (300,)]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("mascara_causal", saidas, casos, _mascara, "T T")
    if tipos := {saida.dtype for saida in saidas} - {torch.bool}:
        raise diga("mascara_causal.tipo", veio=tipos.pop())
    return f"Cada token vê a si e ao passado, em {len(casos)} tamanhos."


def _com_indice_negativo(T):
    mascara = torch.zeros(T, T)
    for i in range(T):
        mascara[i, i - 2 : i + 1] = 1                   # nas primeiras linhas, i − 2 conta do fim
    return mascara


def _janela(T, modo="certo"):
    um = torch.ones(T, T)
    atras = {"dois": 1, "quatro": 3}.get(modo, 2)
    certo = um.tril().triu(-atras)
    return {"tudo": um.tril(), "dois lados": um.tril(2).triu(-2), "centrada": um.tril(1).triu(-1), "sem si": um.tril(-1).triu(-3),
            "dois sem si": um.tril(-1).triu(-2), "frente": um.triu().tril(2), "avesso": 1 - certo, "perto do fim": um.tril() * (torch.arange(T) >= T - 3),
            "índice negativo": _com_indice_negativo(T), "só a cheia": certo * (torch.arange(T)[:, None] >= 2)}.get(modo, certo)


@exercicio(r"""
onde = "Lição 02, «A máscara causal»."

[sem_janela]
imita = {modo = "tudo"}
dica = "É a máscara causal inteira: falta esquecer o que ficou longe."
pergunta = "Na linha 5, que colunas a janela deixa ver?"
erro = "Na linha i ficam só as colunas i − 2, i − 1 e i."

[janela_de_dois]
imita = {modo = "dois"}
dica = "A janela ficou com dois lugares: cada token vê a si e só um anterior."
pergunta = "Na linha 5, quantos `True` há?"
erro = "São três: o próprio e os dois anteriores."

[janela_de_quatro]
imita = {modo = "quatro"}
dica = "A janela ficou com quatro lugares: cada token vê a si e três anteriores."
pergunta = "Na linha 5, quantos `True` há?"
erro = "São três: o próprio e os dois anteriores."

[para_os_dois_lados]
imita = [{modo = "dois lados"}, {modo = "centrada"}]
dica = "A janela vai para os dois lados: cada token vê também o futuro."
pergunta = "Na linha 0, que colunas são `True`?"
erro = "A janela é para trás: acima da diagonal, tudo é `False`."

[sem_si_mesmo]
imita = [{modo = "sem si"}, {modo = "dois sem si"}]
dica = "Nenhum token vê a si mesmo: a diagonal ficou de fora, e o token 0 não vê ninguém."
pergunta = "Na linha 0, o que sobra?"
erro = "O próprio token conta como um dos três da janela."

[para_a_frente]
imita = {modo = "frente"}
dica = "A janela está virada: cada token vê os dois que vêm depois."
pergunta = "Na linha 0, que colunas são `True`?"
erro = "A linha é quem olha; o passado fica à esquerda da diagonal."

[ao_avesso]
imita = {modo = "avesso"}
dica = "A máscara está ao avesso: `True` marca o proibido, e aqui é para marcar o permitido."
pergunta = "Na linha 5, que colunas devem ser `True`?"
erro = "Troque verdadeiro e falso com `~`, ou marque o contrário."

[so_a_janela_cheia]
imita = [{modo = "só a cheia"}, {modo = "índice negativo"}]
dica = "As linhas 0 e 1 ficaram sem ninguém: os primeiros tokens veem o que existe."
pergunta = "Quem o token 0 pode ver?"
erro = "Um índice negativo, como `i - 2` na linha 0, conta do fim: comece em `max(0, i - 2)`."

[perto_do_fim]
imita = {modo = "perto do fim"}
dica = "As três colunas do fim ficaram iguais para todos: a janela anda com quem olha."
pergunta = "Na linha 3, que colunas a janela deixa ver?"
erro = "O começo da janela depende da linha: i − 2."

[tipo]
dica = "Os valores estão certos, mas o tipo é `{veio}`; esperava `torch.bool`."
pergunta = "O que `~mascara` faria com esses números?"
erro = "`masked_fill(~mascara, …)` só aceita verdadeiro ou falso."
onde = "Use `dtype=torch.bool`, `.bool()` ou uma comparação, como `i >= j`."
""")
def janela(resposta):
    """`f(T) -> (T, T)` de verdadeiro ou falso: cada token vê a si e aos dois anteriores."""
    exigir(resposta)
    casos = [(6,), (1,), (2,), (3,), (9,), (97,)]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("janela", saidas, casos, _janela, "T T")
    if tipos := {saida.dtype for saida in saidas} - {torch.bool}:
        raise diga("janela.tipo", veio=tipos.pop())
    return f"Cada token vê a si e aos dois anteriores, em {len(casos)} tamanhos."


def _pesos(q, k, escala="raiz", mascara="antes", eixo=-1, softmax=True, troca=False, C=None):
    """Os pesos de atenção, (…, T, T)."""
    if troca:
        q, k = k, q
    T, hs = q.shape[-2:]
    divisor = {"raiz": hs**0.5, "hs": hs, "T": T**0.5, "vezes": hs**-0.5, "C": (C or hs) ** 0.5}.get(escala, 1)
    um = torch.ones(T, T, dtype=torch.bool)
    pode = {"transposta": um.triu(), "sem diagonal": um.tril(-1), "avesso": um.triu(1), "nenhuma": um, "do enunciado": um.triu()}.get(mascara, um.tril())
    pontos = q @ k.mT / divisor
    tarde = mascara in ("depois", "renormalizada", "do enunciado")
    pontos = pontos * pode if mascara == "zero" else pontos if tarde else pontos.masked_fill(~pode, -math.inf)
    pesos = pontos.softmax(eixo) if softmax else pontos
    if tarde:
        pesos = pesos * pode
    if mascara == "renormalizada":
        pesos = pesos / pesos.sum(-1, keepdim=True)
    return pesos / hs**0.5 if escala == "depois" else pesos


@exercicio(r"""
onde = "Lição 02, «A máscara causal»."

[como_veio]
imita = {escala = "nenhuma", mascara = "do enunciado"}
dica = "É o código do enunciado, com os defeitos dele: falta a escala, a máscara está do lado errado e veio depois do softmax."
pergunta = "Em que ordem vêm a escala, a máscara e o softmax?"
erro = "Primeiro a escala, depois −∞ no futuro, e o softmax por último."
onde = "Lição 02, «A máscara causal»."

[sem_escala]
imita = {escala = "nenhuma"}
dica = "Faltou a escala: os pontos de `q` com `k` se dividem por √hs antes do softmax."
pergunta = "Cada ponto é a soma de quantas parcelas?"
erro = "Sem dividir, a variância dos pontos é hs, e o softmax entrega quase tudo a um token só."
onde = "Lição 02, «A escala»."

[escala_sem_raiz]
imita = {escala = "hs"}
dica = "Você dividiu por hs; a escala é a raiz, √hs."
pergunta = "Se a variância é hs, quanto é o desvio padrão?"
erro = "Dividir por hs encolhe demais os pontos, e os pesos saem quase iguais."
onde = "Lição 02, «A escala»."

[escala_de_T]
imita = {escala = "T"}
dica = "Você dividiu por √T; a escala é √hs, o tamanho de cada consulta."
pergunta = "Cada ponto é a soma de quantas parcelas?"
erro = "As parcelas vêm dos números da consulta, e não do número de tokens."
onde = "Lição 02, «A escala»."

[escala_multiplicada]
imita = {escala = "vezes"}
dica = "Você multiplicou por √hs; é para dividir."
pergunta = "Os pontos precisam crescer ou encolher?"
erro = "Multiplicar concentra o softmax ainda mais."
onde = "Lição 02, «A escala»."

[escala_depois]
imita = {escala = "depois"}
dica = "A escala veio depois do softmax: as linhas já não somam 1."
pergunta = "Quanto somam as suas linhas?"
erro = "Quem se divide por √hs são os pontos, antes do softmax."
onde = "Lição 02, «A escala»."

[sem_mascara]
imita = {mascara = "nenhuma"}
dica = "Faltou a máscara: cada token está vendo os que vêm depois."
pergunta = "De que tokens o token 0 deveria receber?"
erro = "Sem ela o modelo copia a resposta em vez de prevê-la."

[mascara_depois]
imita = {mascara = "depois"}
dica = "A máscara veio depois do softmax: as linhas já não somam 1, e o futuro entrou na divisão."
pergunta = "Quanto somam as suas linhas?"
erro = "O softmax divide pela soma de todos, também dos proibidos."

[mascara_depois_e_divisao]
imita = {mascara = "renormalizada"}
dica = "A máscara veio depois do softmax, ou da exponencial, e dividir de novo não conserta: com um ponto alto no futuro sai `nan`."
pergunta = "O que acontece se o token proibido tiver um ponto muito alto?"
erro = "O passado inteiro arredonda para zero, ou a exponencial estoura, antes de você dividir."

[sem_exponencial]
imita = {softmax = false, mascara = "renormalizada"}
dica = "Faltou a exponencial: os pontos foram divididos pela própria soma, e um ponto pode ser negativo."
pergunta = "Que sinal podem ter os seus pesos?"
erro = "A exponencial torna tudo positivo e mantém a ordem; depois se divide pela soma."
onde = "Lição 02, «Atenção causal»."

[futuro_recebe]
dica = "O futuro recebe atenção: acima da diagonal há pesos de até {quanto}, e ali só cabe 0."
pergunta = "Que valor tem o ponto do proibido antes do softmax?"
erro = "Só e elevado a −∞ é zero: um número negativo qualquer ainda deixa passar uma parte."

[nao_soma_1]
dica = "As linhas não somam 1: há uma que soma {soma}."
pergunta = "O que o softmax garante sobre cada linha?"
erro = "Alguma conta depois do softmax mudou os pesos, ou ele correu noutro eixo."
onde = "Lição 02, «Atenção causal»."

[outra_escala]
dica = "A escala é outra: os pontos saíram divididos por {por}, e aqui √hs = {certo}."
pergunta = "Cada ponto é a soma de quantas parcelas?"
erro = "São hs parcelas, o tamanho do último eixo de `q`."
onde = "Lição 02, «A escala»."

[mascara_transposta]
imita = {mascara = "transposta"}
dica = "A máscara está transposta: cada token vê o futuro, e não o passado."
pergunta = "Na linha 0, que colunas ficam?"
erro = "`triu` guarda o que vem depois; `tril`, o que vem antes."

[sem_diagonal]
imita = {mascara = "sem diagonal"}
dica = "A máscara tapou a diagonal: o token 0 não vê ninguém, e a linha dele vira `nan`."
pergunta = "Um token pode olhar para si?"
erro = "O softmax de uma linha só com −∞ é 0/0."

[mascara_ao_avesso]
imita = {mascara = "avesso"}
dica = "A máscara está ao avesso: o passado foi escondido, e o futuro ficou à vista."
pergunta = "No `masked_fill`, `True` é o que fica ou o que some?"
erro = "`masked_fill(m, −∞)` apaga onde `m` é `True`; faltou, ou sobrou, um `~`."

[mascara_com_zero]
imita = {mascara = "zero"}
dica = "O proibido recebeu 0, e não −∞: no softmax, e⁰ = 1 ainda leva uma parte."
pergunta = "Quanto é e elevado a 0?"
erro = "Só e elevado a −∞ é zero."

[softmax_nas_colunas]
imita = {eixo = -2}
dica = "O softmax correu no eixo errado: nas suas contas quem soma 1 é cada coluna, e não cada linha."
pergunta = "Cada linha é quem olha: o que precisa somar 1?"
erro = "O último eixo, `dim=-1`, corre sobre os tokens olhados."
onde = "Lição 02, «Etapa 2: com matrizes»."

[softmax_no_lote]
imita = {eixo = 0}
dica = "O softmax correu no eixo errado: o primeiro eixo é o lote, e textos diferentes não disputam atenção."
pergunta = "Cada linha é quem olha: o que precisa somar 1?"
erro = "O último eixo, `dim=-1`, corre sobre os tokens olhados."
onde = "Lição 02, «Etapa 2: com matrizes»."

[sem_softmax]
imita = {softmax = false}
dica = "Faltou o softmax: isto são os pontos, e não os pesos."
pergunta = "Quanto somam as suas linhas?"
erro = "Pesos são positivos e somam 1 em cada linha."
onde = "Lição 02, «Atenção causal»."

[q_e_k_trocados]
imita = {troca = true}
dica = "`q` e `k` estão trocados: a linha tem de ser quem procura."
pergunta = "Em `a @ b.mT`, de quem são as linhas?"
erro = "Com os dois trocados, os pontos saem transpostos."
onde = "Lição 02, «Etapa 2: com matrizes»."
""")
def pesos_de_atencao(resposta):
    """`f(q, k)`, cada um (B, T, hs), `-> (B, T, T)`: na escala, causais, cada linha soma 1."""
    exigir(resposta)
    g = sorteio(1)
    casos = [tuple(1.5 * torch.randn(2, *forma, generator=g)) for forma in [(2, 5, 3), (3, 4, 8), (2, 1, 4), (2, 6, 4)]]
    q, k = casos[-1]                                    # um futuro que combina demais com o token 0,
    k[:, -1] = 400 * F.normalize(q[:, 0], dim=-1)
    q[:, -1] = 0                                        # mas que, onde é permitido, não estoura uma exponencial à mão
    frio = torch.randn(1, 70, 4, generator=g)           # todos os pontos perto de −84: a exponencial é minúscula, mas existe
    casos.append((frio / 30 + 8, frio.flip(1) / 30 - 5.25))
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("pesos_de_atencao", saidas, casos, _pesos, "B T T", sintomas=_sintomas_dos_pesos)
    if (sobra := max(saida.triu(1).max() for saida in saidas)) > 1e-9:       # um −100 no lugar de −∞ só aparece quando tudo é baixo
        raise diga("pesos_de_atencao.futuro_recebe", quanto=formatado(sobra, ".0e"))
    return "Na escala, causais, e cada linha soma 1."


def _sintomas_dos_pesos(saidas, casos):
    veio, (q, k) = next((s.double(), caso) for s, caso in zip(saidas, casos, strict=True) if not igual(s, _pesos(*caso), 1e-4))
    if veio.triu(1).abs().max() > 1e-6:
        return diga("pesos_de_atencao.futuro_recebe", quanto=pt(veio.triu(1).max()))
    if not igual(somas := veio.sum(-1), torch.ones(veio.shape[:2]), 1e-4):
        return diga("pesos_de_atencao.nao_soma_1", soma=pt(somas[(somas - 1).abs() > 1e-4][0]))
    (a, b), hs = ((w[:, -1].log() - w[:, -1, :1].log())[:, 1:] for w in (veio, _pesos(q, k).double())), q.size(-1)
    if not a.numel():
        return None
    razao = (a / b)[0, 0]                               # a mesma máscara e o mesmo softmax: só muda o divisor dos pontos?
    return diga("pesos_de_atencao.outra_escala", por=pt(hs**0.5 / razao), certo=pt(hs**0.5)) if igual(a, b * razao, 1e-3) else None


def _cortar(x, nh, modo="certo"):
    B, T, _ = x.shape
    por_token = x.reshape(B, T, nh, -1)
    return {
        "certo": lambda: por_token.transpose(1, 2),
        "view": lambda: x.reshape(B, nh, T, -1),
        "sem transpose": lambda: por_token,
        "intercalado": lambda: x.reshape(B, T, -1, nh).permute(0, 3, 1, 2),
        "cabeça na frente": lambda: por_token.permute(2, 0, 1, 3),
        "hs antes de T": lambda: por_token.permute(0, 2, 3, 1),
        "transpose antes": lambda: x.transpose(1, 2).reshape(B, nh, T, -1),
        "nh por hs": lambda: x.reshape(B, T, -1, nh).transpose(1, 2),
    }[modo]()


@exercicio(r"""
onde = "Lição 02, «Várias cabeças»."

[view]
imita = {modo = "view"}
dica = "As cabeças foram cortadas com `view` sem `transpose`: cada «cabeça» ficou com tokens, e não com uma parte dos números de cada token."
pergunta = "Na cabeça 0, de que tokens são os números?"
erro = "`view` só reparte os números na ordem em que estão guardados, e o token vem primeiro."

[intercaladas]
imita = {modo = "intercalado"}
dica = "As cabeças ficaram intercaladas: a cabeça 0 leva os números 0, nh, 2·nh…, e deveria levar os hs primeiros."
pergunta = "Ao partir C em dois eixos, qual vem antes?"
erro = "É `(nh, hs)`, e não `(hs, nh)`."

[sem_transpose]
imita = {modo = "sem transpose"}
dica = "Faltou o `transpose`: a forma veio (B, T, nh, hs), e a cabeça vem antes do token, (B, nh, T, hs)."
pergunta = "Qual é a ordem dos eixos pedida?"
erro = "Com a cabeça na frente, cada uma é uma tabela (T, hs) inteira."

[cabeca_antes_do_lote]
imita = {modo = "cabeça na frente"}
dica = "A cabeça foi parar antes do lote: veio (nh, B, T, hs), e esperava (B, nh, T, hs)."
pergunta = "Que eixo fica em primeiro?"
erro = "O lote fica sempre na frente."

[hs_antes_de_T]
imita = {modo = "hs antes de T"}
dica = "Os dois últimos eixos estão trocados: veio (B, nh, hs, T), e esperava (B, nh, T, hs)."
pergunta = "Numa cabeça, o que é uma linha?"
erro = "Cada linha é um token."

[transpose_antes]
imita = {modo = "transpose antes"}
dica = "O `transpose` veio antes de repartir: os números de um token se espalharam por vários."
pergunta = "Depois do seu `transpose`, o que está no último eixo?"
erro = "Primeiro se parte C em (nh, hs); só depois a cabeça troca de lugar com o token."

[nh_por_hs]
imita = {modo = "nh por hs"}
dica = "`n_heads` foi usado como tamanho da cabeça: são nh cabeças de hs = C / nh números."
pergunta = "Com C = 12 e 3 cabeças, quantos números tem cada uma?"
erro = "O número de cabeças e o tamanho de cada uma trocaram de papel."
""")
def dividir_cabecas(resposta):
    """`f(x, n_heads)`: (B, T, C) `-> (B, nh, T, hs)`."""
    exigir(resposta)
    casos = [(torch.arange(B * T * C, dtype=torch.float).view(B, T, C), nh) for B, T, C, nh in
             [(2, 5, 12, 3), (3, 4, 10, 2), (1, 7, 6, 1), (2, 4, 8, 4), (2, 3, 6, 6), (4, 1, 6, 2)]]
    casos[-1][0].mul_(3001)                             # números que 16 bits não guardam
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("dividir_cabecas", saidas, casos, _cortar, "B nh T hs")
    return "Cada cabeça fica com os seus hs números de todos os tokens."


def _atencao(m, x, dividir="certo", juntar="certo", proj=True, cabecas=None, ordem="qkv", valor="v", por_cabeca=False,
             atalho=False, **pesos):
    (B, T, C), nh = x.shape, cabecas or m.n_heads
    if por_cabeca:
        partes = dict(zip("qkv", m.qkv(x).view(B, T, nh, -1).transpose(1, 2).chunk(3, dim=-1), strict=True))
    else:
        partes = {letra: _cortar(t, nh, dividir) for letra, t in zip(ordem, m.qkv(x).split(C, -1), strict=True)}
    misturado = _cortar(x, nh, dividir) if valor == "x" else partes[valor]
    out = _pesos(partes["q"], partes["k"], C=C, **pesos) @ misturado                  # (B, nh, T, hs)
    out = out.reshape(B, T, C) if juntar == "direto" else out.transpose(1, 2).reshape(B, T, C)
    out = m.proj(out) if proj else out
    return x + out if atalho else out


def _ve_o_futuro(modulos, saidas, casos):
    x = casos[0][1].clone()
    x[:, -1] += 1
    return None if igual(chamar(modulos[0], x)[:, :-1], saidas[0][:, :-1], 1e-4) else diga("atencao.ve_o_futuro")


@exercicio(r"""
onde = "Lição 02, «A classe»."

[escala_de_C]
imita = {escala = "C"}
dica = "Você dividiu por √d_model; a escala é √hs, o tamanho de uma cabeça."
pergunta = "Cada ponto é a soma de quantas parcelas?"
erro = "Depois de repartir em cabeças, cada ponto soma só hs = C / nh parcelas."
onde = "Lição 02, «A escala»."

[softmax_nas_cabecas]
imita = {eixo = 1}
dica = "O softmax correu no eixo das cabeças; em cada cabeça, cada linha é que soma 1."
pergunta = "Em (B, nh, T, T), qual é o eixo de quem é olhado?"
erro = "Uma cabeça não disputa atenção com a outra: use `dim=-1`."
onde = "Lição 02, «Várias cabeças»."

[view]
imita = {dividir = "view"}
dica = "As cabeças foram cortadas com `view` sem `transpose`: cada «cabeça» ficou com tokens, e não com uma parte dos números de cada token."
pergunta = "Na cabeça 0, de que tokens são os números?"
erro = "`view` só reparte os números na ordem em que estão guardados, e o token vem primeiro."
onde = "Lição 02, «Várias cabeças»."

[intercaladas]
imita = {dividir = "intercalado"}
dica = "As cabeças ficaram intercaladas: a cabeça 0 leva os números 0, nh, 2·nh…, e deveria levar os hs primeiros."
pergunta = "Ao partir C em dois eixos, qual vem antes?"
erro = "É `(nh, hs)`, e não `(hs, nh)`."
onde = "Lição 02, «Várias cabeças»."

[juntar_sem_transpose]
imita = {juntar = "direto"}
dica = "Na volta, as cabeças foram juntadas sem `transpose`: (B, nh, T, hs) virou (B, T, C) misturando tokens."
pergunta = "Antes de juntar, o token está na frente da cabeça?"
erro = "`reshape` não troca eixos; primeiro se volta a (B, T, nh, hs)."
onde = "Lição 02, «Várias cabeças»."

[sem_proj]
imita = {proj = false}
dica = "A projeção de saída, `proj`, foi esquecida: as cabeças ficam lado a lado sem se misturar."
pergunta = "Que camada do construtor você não usou?"
erro = "`proj` mistura o que as cabeças trouxeram."

[uma_cabeca_so]
imita = {cabecas = 1}
dica = "As cabeças não foram repartidas: a atenção usou uma cabeça só, com os C números."
pergunta = "Onde entra `n_heads`?"
erro = "Sem repartir, cada token tem uma só distribuição de pesos."
onde = "Lição 02, «Várias cabeças»."

[qkv_fora_de_ordem]
imita = [{ordem = "kqv"}, {ordem = "qvk"}, {ordem = "vkq"}, {ordem = "kvq"}, {ordem = "vqk"}]
dica = "`q`, `k` e `v` saíram da camada `qkv` fora de ordem."
pergunta = "Dos 3C números de `qkv`, quais são a consulta?"
erro = "São os C primeiros para `q`, os C seguintes para `k`, os C últimos para `v`."

[valor_errado]
imita = [{valor = "k"}, {valor = "q"}, {valor = "x"}]
dica = "Os pesos misturaram outra coisa, e não os valores `v`."
pergunta = "O que cada token entrega quando é escolhido?"
erro = "`q` e `k` só servem para calcular os pesos; o que se mistura é `v`."
onde = "Lição 02, «Atenção causal»."

[com_atalho]
imita = {atalho = true}
dica = "O x foi somado à saída: o atalho é trabalho do bloco, e não da atenção."
pergunta = "Quem soma x ao resultado?"
erro = "No bloco a soma se repetiria."
onde = "Lição 05, «O bloco Transformer»."

[ve_o_futuro]
dica = "O futuro mexe no passado: mudei só o último token, e mudaram saídas anteriores."
pergunta = "Por onde um token recebe dos que vêm depois?"
erro = "Ou a máscara deixa passar, ou uma conta depois dela mistura tokens."
onde = "Lição 02, «A prova: o futuro não mexe no passado»."

[qkv_por_cabeca]
imita = {por_cabeca = true}
dica = "Os 3C números foram repartidos por cabeça antes de separar `q`, `k` e `v`."
pergunta = "O que vem primeiro, `split` em três ou as cabeças?"
erro = "Os C primeiros números são de `q`, de todas as cabeças; os pesos do GPT-2 estão nessa ordem."
""")
def atencao(resposta):
    """Classe `(config)` com `qkv` e `proj`; `forward(x)`: (B, T, C) -> (B, T, C)."""
    exigir(resposta, classe=True)
    recusar_copia(resposta, CausalSelfAttention, "AtencaoSimples")
    casos = casos_da_ficha(CausalSelfAttention, (12, 3, 2, 5), (20, 2, 3, 9), (6, 1, 2, 1), (8, 8, 1, 97))
    return conferir_camada("atencao pesos_de_atencao", resposta, casos, _atencao, sintomas=_ve_o_futuro)
