"""Laboratório: o veredito, a parte das palavras acertadas e uma cirurgia."""

import torch

from apoio.confere.corretor import FICHA, chamar, descrever, diga, exercicio, exigir, forma_errada, julgar, nome_de, pt, sortear_pesos, sorteio, um_numero
from gptmini.modelo import GPTMini

_PALAVRAS = ["trapaceia", "fica igual", "piora", "quebra"]


def _veredito(excesso, bordas=(-0.01, 0.02, 0.2), dentro=False, absoluto=False, virado=False):
    x = abs(excesso) if absoluto else excesso
    lugar = sum(x > b if dentro else x >= b for b in bordas)
    return torch.tensor(3 - lugar if virado else lugar)


@exercicio(r"""
onde = "Lição 09, «O modelo e o ensaio»."

[outra_palavra]
dica = "Com excesso {excesso} veio {veio}; esperava uma das quatro palavras, escrita como no enunciado."

[sem_trapaca]
imita = [{absoluto = true}, {bordas = [-1e9, 0.02, 0.2]}]
dica = "Um excesso bem negativo não deu «trapaceia»."
pergunta = "Qual é o primeiro `if`, e o que ele compara?"
erro = "O menor dos casos vem primeiro: `excesso < -0.01`."

[negativo_e_trapaca]
imita = {bordas = [0, 0.02, 0.2]}
dica = "Todo excesso negativo deu «trapaceia»; a fronteira é −0,01, porque uma medida treme em torno de zero."
pergunta = "O que a sua função diz de −0,005?"
erro = "De −0,01 em diante, ainda é «fica igual»."

[fronteiras_de_dentro]
imita = {dentro = true}
dica = "Nas fronteiras exatas saiu a palavra de baixo: com 0,02 já é «piora», e com 0,2, «quebra»."
pergunta = "O enunciado diz «até antes de 0,02». O próprio 0,02 entra?"
erro = "Compare com `<`, e não com `<=`."

[ao_contrario]
imita = {virado = true}
dica = "As palavras saíram na ordem contrária: quanto maior o excesso, pior."
pergunta = "O que a sua função diz de um excesso 2,4?"
erro = "Ele quebra: é perder dois nats por palavra."

[sem_piora]
imita = [{bordas = [-0.01, 0.02, 0.02]}, {bordas = [-0.01, 0.2, 0.2]}]
dica = "Entre 0,02 e 0,2 não saiu «piora»."
pergunta = "Quantas fronteiras há, e quantas palavras?"
erro = "Três fronteiras, quatro palavras: falta um `if`."
""")
def veredito(resposta):
    """`f(excesso) -> str`: «trapaceia», «fica igual», «piora» ou «quebra»."""
    exigir(resposta)
    casos = [(x,) for x in (-0.26, -0.02, -0.01, -0.005, 0.0, 0.007, 0.019, 0.02, 0.1, 0.19, 0.2, 0.35, 2.4)]
    saidas = []
    for (x,) in casos:
        palavra = chamar(resposta, x)
        if type(palavra) is not str or palavra not in _PALAVRAS:
            raise diga("veredito.outra_palavra", excesso=pt(x), veio=descrever(palavra))
        saidas.append(torch.tensor(_PALAVRAS.index(palavra)))
    julgar("veredito", saidas, casos, _veredito, "")
    return f"As quatro palavras caem nos lugares certos em {len(casos)} excessos, também nas fronteiras."


def _acerto(logits, alvos, eixo=-1, vale=True, devolve="parte", por_linha=False):
    palpites, conta = logits.argmax(eixo), alvos != -100
    certos = (palpites == alvos).double()
    if devolve == "quantos":
        return certos[conta].sum()
    if por_linha:
        return torch.stack([c[v].mean() for c, v in zip(certos, conta, strict=True)]).mean()
    parte = certos[conta].mean() if vale else certos.mean()
    return {"parte": parte, "erros": 1 - parte, "cem": 100 * parte}[devolve]


@exercicio(r"""
onde = "Lição 09, «O que cada falta mostra»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número de 0 a 1."

[eixo_do_tempo]
imita = {eixo = 1}
dica = "`.argmax` procurou a maior entre os lugares do texto; é entre as palavras."
pergunta = "Que eixo de (B, T, V) é o das palavras?"
erro = "O último: `dim=-1`."

[conta_os_apagados]
imita = {vale = false}
dica = "Os lugares de alvo −100 entraram na conta como erros."
pergunta = "O que há depois do fim de um texto curto?"
erro = "Só enchimento: conte apenas onde `alvos != -100`."

[media_das_linhas]
imita = {por_linha = true}
dica = "Saiu a média das médias de cada linha: um texto curto pesou tanto quanto um longo."
pergunta = "De que conjunto é a parte que se pede?"
erro = "De todas as palavras do lote: junte antes, e só então a média."

[quantas]
imita = {devolve = "quantos"}
dica = "Isto é quantas palavras acertou; a medida é a parte."
pergunta = "Quantas palavras valiam?"
erro = "Divida por elas, ou tire a média."

[erros]
imita = {devolve = "erros"}
dica = "Isto é a parte que errou."
pergunta = "Acertando todas, quanto deveria sair?"
erro = "Sai 1."

[em_cem]
imita = {devolve = "cem"}
dica = "Veio de 0 a 100; esperava de 0 a 1."
""")
def acerto(resposta):
    """`f(logits, alvos) -> float`: a parte das palavras acertadas; (B, T, V) e (B, T), com −100 onde não se conta."""
    exigir(resposta)
    casos = []
    for B, T, V in ((2, 5, 5), (3, 4, 4)):                   # T = V: o eixo errado ainda dá uma forma que se compara
        g = sorteio(B)
        logits, alvos = torch.randn(B, T, V, generator=g), torch.randint(V, (B, T), generator=g)
        alvos[0, :3] = logits[0, :3].argmax(-1)
        alvos[1, 2:] = -100
        casos.append((logits, alvos))
    g = sorteio(9)
    outro = torch.randn(2, 6, 3, generator=g)
    casos.append((outro, torch.cat([outro.argmax(-1)[:1], torch.tensor([[0, 1, -100, -100, -100, -100]])])))
    saidas = []
    for i, caso in enumerate(casos):
        if i == 2:
            julgar("acerto", saidas, casos[:2], _acerto, "", folga=1e-6)
        saidas.append(um_numero(chamar(resposta, *caso), "acerto.nao_e_numero"))
    julgar("acerto", saidas, casos, _acerto, "", folga=1e-6)
    return f"A parte acertada está certa em {len(casos)} lotes, sem contar o enchimento."


@exercicio(r"""
onde = "Lição 09, «As faltas, uma a uma»."

[nao_e_modelo]
dica = "Devolveu {veio}; devolva o modelo, `return model`."

[ficou]
dica = "O viés `{nome}` não ficou em zero."
pergunta = "O laço passa por todos os pesos cujo nome acaba em `bias`?"
erro = "As normalizações também têm vieses, e o bloco 1 tem os dele."

[mexeu_no_resto]
dica = "O peso `{nome}`, que não é um viés, mudou."
pergunta = "Que `if` separa os vieses dos outros pesos?"
erro = "`nome.endswith(\"bias\")`; um peso de um eixo só também pode ser um ganho."

[ainda_treina]
dica = "O viés `{nome}` está em zero, mas ainda treinaria."
pergunta = "O que acontece com ele no primeiro passo do treino?"
erro = "`peso.requires_grad_(False)` o tira do treino."

[nao_treina]
dica = "O peso `{nome}`, que não é um viés, deixou de treinar."
pergunta = "Onde está a linha que desliga o treino: dentro ou fora do `if`?"
erro = "Só os vieses deixam de treinar."

[trocado]
dica = "O modelo perdeu o peso `{nome}`: zerar não é apagar."
pergunta = "O que acontece com a conta da camada se o viés não existe mais?"
erro = "Deixe o peso no lugar e ponha zeros nele, com `.zero_()`."
""")
def sem_vieses(resposta):
    """`f(model) -> model`: os vieses em zero e fora do treino; o resto como estava."""
    exigir(resposta)
    model = sortear_pesos(GPTMini(FICHA), 3)
    antes = {nome: p.detach().clone() for nome, p in model.named_parameters()}
    def operar(_):
        return resposta(model)

    operar.__name__ = nome_de(resposta)        # o modelo não se copia: o que se julga é o que a resposta fez nele
    veio = chamar(operar, 0)
    if not isinstance(veio, GPTMini):
        raise diga("sem_vieses.nao_e_modelo", veio=descrever(veio))
    agora = dict(veio.named_parameters())
    if sumiram := [nome for nome in antes if nome not in agora]:
        raise diga("sem_vieses.trocado", nome=sumiram[0])
    for nome, era in antes.items():
        if agora[nome].shape != era.shape:
            raise forma_errada(agora[nome].shape, era.shape, "C")
        vies = nome.endswith("bias")
        if vies and agora[nome].abs().max() > 0:
            raise diga("sem_vieses.ficou", nome=nome)
        if not vies and not torch.equal(agora[nome], era):
            raise diga("sem_vieses.mexeu_no_resto", nome=nome)
    for nome, p in agora.items():
        if p.requires_grad == nome.endswith("bias"):
            raise diga("sem_vieses.ainda_treina" if p.requires_grad else "sem_vieses.nao_treina", nome=nome)
    return f"Os {sum(nome.endswith('bias') for nome in antes)} vieses estão em zero e fora do treino, e mais nada mudou."
