"""A corrida: os pontos com a norma do artigo, e as trincas de letras."""

import torch

from apoio.confere.corretor import chamar, diga, exercicio, exigir, julgar, sorteio, um_tensor


def _pontos(q, k, g, norma="comprimento", quem="os dois", eixo=-1, escala="g", raiz=False, troca=False):
    """Os pontos de consultas e chaves de comprimento 1, vezes g: (…, T, T)."""
    hs = q.size(-1)

    def normal(x, qual):
        if quem not in ("os dois", qual):
            return x
        tamanho = {"comprimento": x.norm(dim=eixo, keepdim=True), "média": x.pow(2).mean(eixo, keepdim=True).sqrt(),
                   "sem raiz": x.pow(2).sum(eixo, keepdim=True), "soma": x.abs().sum(eixo, keepdim=True)}[norma]
        return x / tamanho

    q, k = normal(q, "q"), normal(k, "k")
    pontos = (k @ q.mT if troca else q @ k.mT) * {"g": g, "nenhuma": 1, "dividir": 1 / g, "nos dois": g * g}[escala]
    return pontos / hs**0.5 if raiz else pontos


@exercicio(r"""
onde = "Lição 11, «QK-norm: consultas e chaves do mesmo tamanho»."

[sem_norma]
imita = {quem = "nenhum"}
dica = "Consultas e chaves entraram cruas: falta dividir cada uma pelo seu comprimento."
pergunta = "Se `q` dobra, os seus pontos dobram?"
erro = "Normalizadas, elas não deixam o tamanho passar; só a direção conta."

[so_a_consulta]
imita = {quem = "q"}
dica = "Só as consultas foram divididas pelo comprimento: faltam as chaves."
pergunta = "Se `k` dobra, os seus pontos dobram?"
erro = "As duas se normalizam, cada uma pelo seu comprimento."

[so_a_chave]
imita = {quem = "k"}
dica = "Só as chaves foram divididas pelo comprimento: faltam as consultas."
pergunta = "Se `q` dobra, os seus pontos dobram?"
erro = "As duas se normalizam, cada uma pelo seu comprimento."

[como_na_licao]
imita = [{norma = "média"}, {norma = "média", raiz = true}]
dica = "Você dividiu pela raiz da média dos quadrados, como na lição; aqui se divide pelo comprimento, a raiz da soma."
pergunta = "Que comprimento têm as suas consultas depois de normalizadas?"
erro = "Com a média, o comprimento fica √hs; com a soma, fica 1."

[sem_a_raiz_da_norma]
imita = {norma = "sem raiz"}
dica = "Faltou a raiz: o comprimento é a raiz da soma dos quadrados."
pergunta = "Qual é o comprimento de [3, 4]?"
erro = "A soma dos quadrados é 25, e o comprimento, 5."

[soma_dos_modulos]
imita = {norma = "soma"}
dica = "Você dividiu pela soma dos módulos; o comprimento é a raiz da soma dos quadrados."
pergunta = "Qual é o comprimento de [3, 4]?"
erro = "A soma dos módulos é 7, e o comprimento, 5."

[outro_eixo]
imita = [{eixo = -2}, {eixo = 0}]
dica = "O comprimento foi medido no eixo errado: ele é dos hs números de um token, no último eixo."
pergunta = "O comprimento da consulta de um token pode depender de outro token?"
erro = "Use `dim=-1` e `keepdim=True`."

[sem_g]
imita = {escala = "nenhuma"}
dica = "Faltou multiplicar por `g`: sem ele os pontos ficam entre −1 e 1, e o softmax mal distingue um token do outro."
pergunta = "Qual é o maior ponto que a sua conta pode dar?"
erro = "O cosseno vai de −1 a 1; `g` o estica."

[dividiu_por_g]
imita = {escala = "dividir"}
dica = "Você dividiu por `g`; é para multiplicar."
pergunta = "Os pontos, entre −1 e 1, precisam crescer ou encolher?"
erro = "`g` é o maior ponto que pode sair."

[g_duas_vezes]
imita = {escala = "nos dois"}
dica = "O `g` entrou duas vezes, e os pontos saíram multiplicados por g²."
pergunta = "Em quantos lugares você multiplicou por `g`?"
erro = "Basta uma vez, no produto."

[ainda_a_raiz]
imita = {raiz = true}
dica = "A divisão por √hs ficou: no artigo, `g` toma o lugar dela."
pergunta = "Quantas escalas há na sua conta?"
erro = "É g vezes o produto, e mais nada."

[trocados]
imita = {troca = true}
dica = "`q` e `k` estão trocados: a linha tem de ser quem procura."
pergunta = "Em `a @ b.mT`, de quem são as linhas?"
erro = "Com os dois trocados, os pontos saem transpostos."
onde = "Lição 02, «Etapa 2: com matrizes»."
""")
def pontos_do_artigo(resposta):
    """`f(q, k, g)`, com q e k (B, T, hs), `-> (B, T, T)`: g vezes o produto das consultas e chaves de comprimento 1."""
    exigir(resposta)
    casos = [(*3 * torch.randn(2, *forma, generator=sorteio(i)) + 0.5, g) for i, (forma, g) in enumerate(
        [((2, 5, 3), 7.0), ((3, 4, 8), 2.5), ((1, 6, 2), 10.0), ((2, 2, 16), 0.5)])]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("pontos_do_artigo", saidas, casos, _pontos, "B T T")
    return "O tamanho de consultas e chaves já não passa, e o maior ponto é g."


def _trincas(idx, V, antes="zeros", ordem="certa", letras=3, base="V", futuro=False):
    def atrasada(n):
        vazios = torch.zeros_like(idx[:, :n])
        if futuro:
            return torch.cat([idx[:, n:], vazios], 1)
        if antes == "roda":
            return idx.roll(n, 1)
        if antes == "repete":
            vazios = idx[:, :1].expand(-1, vazios.size(1))
        return torch.cat([vazios, idx[:, : idx.size(1) - n]], 1)

    a, b, c = atrasada(2), atrasada(1), idx
    if ordem == "pulo":                                 # a de três antes, no lugar da de duas
        a = atrasada(3)
    if ordem == "repetida":
        a = b
    trinca = {"avesso": (c, b, a), "meio": (b, a, c)}.get(ordem, (a, b, c))
    primeira, segunda = {"V": (V * V, V), "soma": (1, 1), "V nas duas": (V, V), "2V": (2 * V, V)}[base]
    return (primeira * trinca[0] if letras == 3 else 0) + segunda * trinca[1] + trinca[2]


@exercicio(r"""
onde = "Lição 11, «Tabela de pares»."

[so_pares]
imita = {letras = 2}
dica = "Isto é a linha do par: falta a letra de duas casas antes."
pergunta = "De quantas letras depende cada linha que você devolveu?"
erro = "São três: a de duas casas antes, a anterior e a própria."

[da_a_volta]
imita = {antes = "roda"}
dica = "No começo de cada texto entraram as últimas letras dele: `roll` dá a volta, e o modelo veria o futuro."
pergunta = "Que letras vêm antes da primeira?"
erro = "Nenhuma: complete com zeros à esquerda, como faz a tabela de pares."

[olha_para_a_frente]
imita = {futuro = true}
dica = "As letras vizinhas vieram da frente: a trinca só pode usar o passado."
pergunta = "Na posição 0, que letras já foram lidas?"
erro = "Empurre as letras para a direita, e não para a esquerda."

[repete_a_primeira]
imita = {antes = "repete"}
dica = "No começo de cada texto entrou a primeira letra, repetida; esperava zeros, como na tabela de pares."
pergunta = "Que id a lição põe antes da primeira letra?"
erro = "O 0."

[ao_avesso]
imita = {ordem = "avesso"}
dica = "A ordem está ao avesso: a própria letra vai na casa das unidades, e a de duas casas antes leva V · V."
pergunta = "Na tabela de pares, que letra se multiplica por V?"
erro = "A mais antiga leva a maior potência de V."

[vizinhas_trocadas]
imita = {ordem = "meio"}
dica = "As duas letras de antes estão trocadas: quem leva V · V é a de duas casas antes."
pergunta = "Qual das duas é a mais antiga?"
erro = "A mais antiga leva a maior potência de V."

[de_tres_antes]
imita = {ordem = "pulo"}
dica = "Você pegou a letra de três casas antes; é a de duas."
pergunta = "De quantas casas você empurrou as letras?"
erro = "Uma casa para a anterior, duas para a de antes dela."

[a_mesma_duas_vezes]
imita = {ordem = "repetida"}
dica = "A letra anterior entrou duas vezes, e a de duas casas antes ficou de fora."
pergunta = "De quantas casas você empurrou as letras da segunda vez?"
erro = "Uma casa para a anterior, duas para a de antes dela."

[soma_simples]
imita = {base = "soma"}
dica = "Os três ids foram só somados: trincas diferentes caem na mesma linha."
pergunta = "As trincas (1, 2, 3) e (3, 2, 1) caem em linhas diferentes?"
erro = "Cada letra precisa da sua casa, como os algarismos: centenas, dezenas e unidades, na base V."

[V_nas_duas]
imita = {base = "V nas duas"}
dica = "As duas letras de antes foram multiplicadas por V: trincas diferentes caem na mesma linha."
pergunta = "Num número de três algarismos, quanto vale o da esquerda?"
erro = "A mais antiga leva V · V; a anterior, V."

[dois_V]
imita = {base = "2V"}
dica = "A letra mais antiga foi multiplicada por 2 · V; é por V · V."
pergunta = "Quantos pares diferentes existem?"
erro = "São V · V: cada um deles ocupa um bloco de linhas."

[tipo]
dica = "As linhas estão certas, mas vieram com o tipo `{veio}`; uma tabela só aceita inteiros (`torch.long`)."
pergunta = "Que operação da sua conta fez números com vírgula?"
erro = "Somas e produtos de inteiros são inteiros; uma divisão com `/` não é."
""")
def trincas(resposta):
    """`f(idx, V)`, com idx (B, T), `-> (B, T)`: a linha de cada trinca numa tabela de V³ linhas; antes do texto, zeros."""
    exigir(resposta)
    casos = [(torch.randint(V, forma, generator=sorteio(i)), V) for i, (V, forma) in enumerate(
        [(10, (2, 7)), (5, (3, 4)), (116, (2, 64)), (3, (1, 3)), (7, (4, 3)), (12, (2, 5))])]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("trincas", saidas, casos, _trincas, "B T")
    if tipos := {saida.dtype for saida in saidas} - {torch.int64, torch.int32}:
        raise diga("trincas.tipo", veio=tipos.pop())
    return "Cada trinca tem a sua linha, e ninguém olha para a frente."
