"""O bloco e o modelo: a classe, a pilha, o modelo inteiro, a perda, e quantos parâmetros há."""

import functools
import itertools
import math
import types
from dataclasses import replace

import torch
from torch import nn

from apoio.confere.corretor import (
    FICHA,
    casos_da_ficha,
    chama,
    chamar,
    conferir_camada,
    diga,
    erro_conhecido,
    exercicio,
    exigir,
    igual,
    julgar,
    mesmo_gradiente,
    montar,
    sortear_pesos,
    sorteio,
    um_inteiro,
    um_tensor,
)
from apoio.confere.licoes.feedforward import DUAS_FORMAS, conta_do_feedforward
from apoio.confere.licoes.residual import passo
from gptmini.atencao import CausalSelfAttention
from gptmini.feedforward import FeedForward
from gptmini.modelo import GPTMini, TransformerBlock
from gptmini.residual import LayerNorm


def _bloco(m, x, modo1="pre", modo2="pre", troca_normas=False, troca_pecas=False, repete=None, norma_no_fim=False, curva=None):
    if curva:
        m = types.SimpleNamespace(norm1=m.norm1, norm2=m.norm2, attention=m.attention,
                                  feedforward=functools.partial(conta_do_feedforward, m.feedforward, curva=curva))
    n1, n2 = (m.norm2, m.norm1) if troca_normas else (m.norm1, m.norm2)
    n1, n2 = (getattr(m, repete),) * 2 if repete else (n1, n2)
    primeira, segunda = (m.feedforward, m.attention) if troca_pecas else (m.attention, m.feedforward)
    h = passo(x, primeira, n1, modo1)
    do_comeco = {                                          # a segunda linha volta a um tensor de antes dela
        "soma o começo": lambda: x + segunda(n2(h)),
        "lê o começo": lambda: h + segunda(n2(x)),
        "lê e soma o começo": lambda: x + segunda(n2(x)),
        "soma a primeira norma": lambda: n1(x) + segunda(n2(h)),
        "soma só o que se escreveu": lambda: primeira(n1(x)) + segunda(n2(h)),
    }
    h = do_comeco[modo2]() if modo2 in do_comeco else passo(h, segunda, n2, modo2)
    return n2(h) if norma_no_fim else h


@exercicio(r"""
pergunta = "Em cada linha, que x a peça lê, e que x se soma?"
erro = "As duas linhas do bloco têm o mesmo desenho: x + peça(norma(x))."
onde = "Lição 05, «O bloco Transformer»."

[post_ln]
imita = {modo1 = "pós", modo2 = "pós"}
dica = "Isto é *post-LN*: as normalizações vieram depois das somas. No GPT-2 elas ficam na entrada de cada peça."
pergunta = "O x passa por alguma normalização no caminho direto?"
erro = "Com a normalização depois da soma, o atalho deixa de ser um caminho livre."
onde = "Lição 04, «Onde pôr a normalização: *pre-LN* e *post-LN*»."

[atalhos_da_norma]
imita = {modo1 = "da norma", modo2 = "da norma"}
dica = "Os dois atalhos saíram do valor normalizado: some o x, e não a normalização dele."
pergunta = "Depois das somas, o x que entrou ainda está lá dentro?"
erro = "A normalização é só para o que a peça lê."

[normas_na_saida]
imita = {modo1 = "na saída", modo2 = "na saída"}
dica = "As normalizações foram postas na saída das peças; elas ficam na entrada."

[sem_normas]
imita = {modo1 = "sem norma", modo2 = "sem norma"}
dica = "Faltam as duas normalizações: as peças leram x cru."

[sem_atalhos]
imita = {modo1 = "sem soma", modo2 = "sem soma"}
dica = "Faltam as duas somas: as peças só se seguem, sem atalho."
pergunta = "Onde está o x que entrou?"

[sem_o_primeiro_atalho]
imita = {modo1 = "sem soma"}
dica = "Falta o primeiro atalho, o da atenção: some o x que entrou nela."

[sem_o_segundo_atalho]
imita = {modo2 = "sem soma"}
dica = "Falta o segundo atalho, o do feedforward: some o x que entrou nele."

[atencao_sem_norma]
imita = {modo1 = "sem norma"}
dica = "Falta a normalização da atenção: ela leu x cru."

[feedforward_sem_norma]
imita = {modo2 = "sem norma"}
dica = "Falta a normalização do feedforward: ele leu x cru."

[atencao_soma_a_norma]
imita = {modo1 = "da norma"}
dica = "Na linha da atenção, o atalho saiu do valor normalizado: some o x, e não a normalização dele."

[feedforward_soma_a_norma]
imita = {modo2 = "da norma"}
dica = "Na linha do feedforward, o atalho saiu do valor normalizado: some o x, e não a normalização dele."

[atencao_post_ln]
imita = {modo1 = "pós"}
dica = "Na linha da atenção, a normalização veio depois da soma (*post-LN*)."

[feedforward_post_ln]
imita = {modo2 = "pós"}
dica = "Na linha do feedforward, a normalização veio depois da soma (*post-LN*)."

[atencao_norma_na_saida]
imita = {modo1 = "na saída"}
dica = "Na linha da atenção, a normalização foi posta na saída da peça, e não na entrada."

[feedforward_norma_na_saida]
imita = {modo2 = "na saída"}
dica = "Na linha do feedforward, a normalização foi posta na saída da peça, e não na entrada."

[normas_trocadas]
imita = {troca_normas = true}
dica = "As normalizações estão trocadas: `norm1` é da atenção, e `norm2`, do feedforward."
pergunta = "Que normalização vem antes de que peça?"
erro = "Cada uma aprende o seu ganho e o seu viés."

[norma_repetida]
imita = [{repete = "norm1"}, {repete = "norm2"}]
dica = "A mesma normalização foi usada nas duas peças, e a outra ficou sem uso."
pergunta = "Que peça do construtor você não usou?"
erro = "Cada uma aprende o seu ganho e o seu viés."

[pecas_trocadas]
imita = [{troca_pecas = true}, {troca_pecas = true, troca_normas = true}]
dica = "A ordem das peças está trocada: primeiro a atenção, depois o feedforward."
pergunta = "Primeiro os tokens trocam informação, ou cada um processa a sua?"
erro = "O feedforward processa o que a atenção recolheu."

[norma_no_fim]
imita = {norma_no_fim = true}
dica = "O bloco acabou numa normalização a mais: depois da segunda soma não há normalização."
pergunta = "O x passa por alguma normalização no caminho direto?"
erro = "A normalização final é uma só, do modelo, depois do último bloco."

[lado_a_lado]
imita = {modo2 = "lê o começo"}
dica = "As duas peças leram o mesmo x: o feedforward tem de ler o que a atenção já escreveu."
pergunta = "Na segunda linha, que x entra na normalização?"
erro = "As peças vêm em fila, e não lado a lado."

[soma_o_x_do_comeco]
imita = {modo2 = "soma o começo"}
dica = "A segunda soma usou o x do começo: o que a atenção escreveu se perdeu."
pergunta = "Na segunda linha, que x se soma?"
erro = "Depois da primeira soma, o x é o novo."

[soma_a_primeira_norma]
imita = {modo2 = "soma a primeira norma"}
dica = "A segunda soma usou `norm1(x)`, do começo: ali se soma o x que a primeira linha deixou."
pergunta = "Na segunda linha, que x se soma?"
erro = "O normalizado é só para o que a peça lê; o que se soma é o fluxo, sem normalizar."

[soma_so_o_que_a_atencao_escreveu]
imita = {modo2 = "soma só o que se escreveu"}
dica = "A segunda soma usou só o que a atenção escreveu, e o x que entrou se perdeu."
pergunta = "Na segunda linha, que x se soma?"
erro = "Soma-se o resultado da primeira linha inteira: x mais o que a atenção escreveu."

[so_atencao]
imita = {modo2 = "sem peça"}
dica = "O feedforward não foi chamado."

[atencao_nao_chega]
imita = {modo2 = "lê e soma o começo"}
dica = "A atenção não chega à saída: a segunda linha lê e soma o x do começo, e não o resultado da primeira."
pergunta = "Onde o resultado da primeira linha volta a aparecer?"
erro = "Se a primeira linha cria `h`, a segunda lê e soma `h`."

[so_a_primeira_linha]
imita = {modo2 = "nada"}
dica = "Só a primeira linha foi feita: falta a do feedforward."
""")
def bloco(resposta):
    """Classe `(config)` com `norm1`, `attention`, `norm2`, `feedforward`; `forward(x)` pre-LN."""
    casos = casos_da_ficha(TransformerBlock, (12, 3, 2, 5), (10, 2, 3, 4), (6, 1, 1, 1))
    return conferir_camada("bloco", resposta, casos, _bloco, folga=3e-4, aceita=DUAS_FORMAS, folga_do_erro=3e-3)


# -- a pilha ------------------------------------------------------------------------------------------------

class _Pilha(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.blocks = nn.ModuleList([TransformerBlock(config) for _ in range(config.n_layers)])
        self.final_norm = LayerNorm(config.d_model)


def _pilha(m, x, le="o anterior", norma="no fim", quais="todos", atalho=False):
    blocos = {"todos": m.blocks, "menos o último": m.blocks[:-1], "menos o primeiro": m.blocks[1:], "só o primeiro": m.blocks[:1],
              "de trás para a frente": m.blocks[::-1], "o primeiro, repetido": [m.blocks[0]] * len(m.blocks),
              "o último, repetido": [m.blocks[-1]] * len(m.blocks), "nenhum": []}[quais]
    h = m.final_norm(x) if norma in ("no começo", "nos dois lados") else x
    entrada, soma = h, torch.zeros_like(x)
    for bloco_ in blocos:
        lido = entrada if le in ("o começo", "o começo, e soma") else h
        h = bloco_(m.final_norm(lido) if norma == "antes de cada um" else lido)
        h = lido + h if atalho else h
        h = m.final_norm(h) if norma in ("depois de cada um", "depois de cada um, e no fim") else h
        soma = soma + h
    h = soma if le == "o começo, e soma" else h
    return m.final_norm(h) if norma in ("no fim", "nos dois lados", "depois de cada um, e no fim") else h


@exercicio(r"""
onde = "Lição 05, «Empilhar»."

[le_o_comeco]
imita = {le = "o começo"}
dica = "Cada bloco lê o `x` do começo, e não o que o anterior deixou: só o último conta."
pergunta = "Na segunda volta do laço, que tensor entra no bloco?"
erro = "O resultado de cada bloco tem de voltar à mesma variável: `x = block(x)`."

[soma_os_blocos]
imita = {le = "o começo, e soma"}
dica = "Os blocos leram todos o `x` do começo, e os resultados foram somados: isso são blocos lado a lado, e não uma pilha."
pergunta = "Na segunda volta do laço, que tensor entra no bloco?"
erro = "O resultado de cada bloco é a entrada do seguinte."

[norma_em_cada]
imita = {norma = "depois de cada um"}
dica = "A última normalização ainda está dentro do laço: ela vem uma vez só, depois de todos os blocos."
pergunta = "Quantas vezes `final_norm` é chamada, com três blocos?"
erro = "Dentro do laço ela entra no caminho direto, que devia receber só somas."

[norma_em_cada_e_no_fim]
imita = {norma = "depois de cada um, e no fim"}
dica = "A normalização foi para o fim, mas ficou também dentro do laço."
pergunta = "Quantas vezes `final_norm` é chamada, com três blocos?"
erro = "Dentro do laço ela entra no caminho direto, que devia receber só somas."

[norma_antes_de_cada]
imita = {norma = "antes de cada um"}
dica = "`final_norm` foi posta antes de cada bloco; ela vem uma vez só, depois de todos."
pergunta = "Quantas vezes `final_norm` é chamada, com três blocos?"
erro = "Cada bloco já traz as suas normalizações; esta é a do fim da pilha."

[norma_no_comeco]
imita = {norma = "no começo"}
dica = "`final_norm` foi posta antes da pilha; ela vem depois."
pergunta = "O que diz o nome da camada?"
erro = "O último bloco deixa o fluxo sem normalizar; quem o põe na escala é `final_norm`."

[norma_dos_dois_lados]
imita = {norma = "nos dois lados"}
dica = "`final_norm` foi usada duas vezes, antes e depois da pilha; só a do fim fica."
pergunta = "O que diz o nome da camada?"
erro = "A entrada da pilha chega sem normalizar: cada bloco normaliza a cópia que lê."

[sem_norma]
imita = {norma = "sem"}
dica = "Faltou a última normalização, depois do laço."
pergunta = "Que camada do construtor você não usou?"
erro = "`final_norm` vem uma vez, no fim."

[sem_o_ultimo]
imita = {quais = "menos o último"}
dica = "O último bloco não foi usado."
pergunta = "Por que blocos passa o laço?"
erro = "`for block in self.blocks` passa por todos."

[sem_o_primeiro]
imita = {quais = "menos o primeiro"}
dica = "O primeiro bloco não foi usado."
pergunta = "Por que blocos passa o laço?"
erro = "`for block in self.blocks` passa por todos."

[so_o_primeiro]
imita = {quais = "só o primeiro"}
dica = "Só o primeiro bloco foi usado: o `return` está dentro do laço?"
pergunta = "Em que recuo está o `return`?"
erro = "Um `return` dentro do laço acaba a função na primeira volta."

[nenhum]
imita = {quais = "nenhum"}
dica = "Os blocos não foram usados: só a normalização chegou à saída."
pergunta = "Para onde vai o resultado de cada bloco?"
erro = "Chamar `block(x)` sem guardar o resultado não muda `x`."

[ao_contrario]
imita = {quais = "de trás para a frente"}
dica = "Os blocos foram usados do último para o primeiro."
pergunta = "Em que ordem o laço passa pela lista?"
erro = "A pilha começa no bloco 0."

[um_repetido]
imita = [{quais = "o primeiro, repetido"}, {quais = "o último, repetido"}]
dica = "O mesmo bloco foi usado em todas as voltas: os outros ficaram sem uso."
pergunta = "Que bloco o laço usa em cada volta?"
erro = "Use a variável do laço, e não um índice fixo."

[atalho_a_mais]
imita = {atalho = true}
dica = "Há uma soma a mais: os atalhos já estão dentro de cada bloco."
pergunta = "Onde, dentro do bloco, `x` é somado?"
erro = "A pilha só passa o resultado de um bloco ao seguinte."
""")
def consertar_pilha(resposta):
    """Classe `(config)` com `blocks` e `final_norm`; `forward(x)`: os blocos em fila, e a normalização no fim."""
    exigir(resposta, classe=True)
    casos = []
    for i, (C, nh, L, B, T) in enumerate([(12, 3, 3, 2, 5), (10, 2, 2, 3, 4), (6, 1, 1, 1, 1)]):
        ficha = replace(FICHA, d_model=C, n_heads=nh, n_layers=L)
        pilha = sortear_pesos(_Pilha(ficha), i)
        with torch.no_grad():
            for p in pilha.blocks.parameters():
                p.mul_(0.6)                                  # pesos menores, para que três blocos não amplifiquem o arredondamento
        casos.append((ficha, pilha, torch.randn(B, T, C, generator=sorteio(50 + i))))
    return conferir_camada("consertar_pilha", resposta, casos, _pilha, folga=1e-3, folga_do_erro=1e-3)


# -- o modelo -----------------------------------------------------------------------------------------------

def _modelo(m, idx, tokens=True, posicoes="do lugar", norma="no fim", blocos="em fila", saida="logits"):
    T = idx.size(1)
    quais = torch.arange(T)
    vetores = m.token_embedding(idx) if tokens else 0 * m.token_embedding(idx)
    lugares = {"do lugar": lambda: m.position_embedding(quais), "sem": lambda: 0 * m.position_embedding(quais),
               "a partir de 1": lambda: m.position_embedding((quais + 1).clamp(max=m.config.context_length - 1)),
               "do id": lambda: m.position_embedding(idx.clamp(max=m.config.context_length - 1)),
               "a última": lambda: m.position_embedding(torch.tensor(T - 1))}[posicoes]()
    x = vetores * lugares if tokens == "vezes" else vetores + lugares
    comeco = x = m.final_norm(x) if norma == "antes dos blocos" else x
    for bloco_ in ([] if blocos == "nenhum" else m.blocks[:1] if blocos == "só o primeiro" else m.blocks):
        x = bloco_(comeco if blocos == "leem o começo" else x)
        x = m.final_norm(x) if norma == "dentro do laço" else x
    x = m.final_norm(x) if norma == "no fim" else x
    logits = m.head(x)
    return {"logits": logits, "chances": logits.softmax(-1), "vetores": x, "só a última": logits[:, -1]}[saida]


@exercicio(r"""
onde = "Lição 05, «O GPT inteiro, primeiro de mentira»."

[sem_posicoes]
imita = {posicoes = "sem"}
dica = "Faltou somar os vetores de posição."
pergunta = "Que camada do construtor você não usou?"
erro = "Sem `position_embedding` o modelo não sabe o lugar de cada token."

[sem_tokens]
imita = {tokens = false}
dica = "Só os vetores de posição entraram: faltou a tabela de tokens."
pergunta = "De onde sai o vetor de cada id?"
erro = "São duas tabelas, e os vetores delas se somam."

[tokens_vezes_posicoes]
imita = {tokens = "vezes"}
dica = "Os vetores de token e de posição foram multiplicados; eles se somam."
pergunta = "Que operação junta as duas tabelas no GPT de mentira?"
erro = "É uma soma, número com número."

[posicoes_a_partir_de_1]
imita = {posicoes = "a partir de 1"}
dica = "As posições começaram em 1; a primeira é a 0."
pergunta = "Que números `torch.arange(T)` dá?"
erro = "De 0 a T − 1."

[posicao_do_id]
imita = {posicoes = "do id"}
dica = "A tabela de posições foi consultada com os ids; ela se consulta com o lugar."
pergunta = "Que números dizem o lugar de cada token?"
erro = "`torch.arange(T)`: 0, 1, 2, até T − 1."

[uma_posicao_so]
imita = {posicoes = "a última"}
dica = "Todos os tokens receberam o mesmo vetor de posição: faltou o `torch.arange`."
pergunta = "Quantas posições há num texto de T tokens?"
erro = "T, de 0 a T − 1: `torch.arange(T)`."

[sem_norma]
imita = {norma = "sem"}
dica = "Faltou a última normalização, entre os blocos e a saída."
pergunta = "Que camada do construtor você não usou?"
erro = "`final_norm` vem depois dos blocos e antes de `head`."

[norma_antes]
imita = {norma = "antes dos blocos"}
dica = "`final_norm` foi posta antes dos blocos; ela vem depois deles e antes de `head`."
pergunta = "O que `head` lê?"
erro = "A última normalização é a do fim da pilha."

[norma_no_laco]
imita = {norma = "dentro do laço"}
dica = "`final_norm` está dentro do laço; ela vem uma vez só, depois dele."
pergunta = "Quantas vezes `final_norm` é chamada, com dois blocos?"
erro = "Dentro do laço ela entra no caminho direto."

[sem_blocos]
imita = {blocos = "nenhum"}
dica = "Os blocos não foram usados: este modelo ainda é o de mentira."
pergunta = "Para onde vai o resultado de cada bloco?"
erro = "Chamar `block(x)` sem guardar o resultado não muda `x`."

[so_o_primeiro_bloco]
imita = {blocos = "só o primeiro"}
dica = "Só o primeiro bloco foi usado: confira o recuo do que vem depois do laço."
pergunta = "Quantas voltas dá o laço?"
erro = "A normalização e a saída ficam fora do laço."

[blocos_leem_o_comeco]
imita = {blocos = "leem o começo"}
dica = "Cada bloco leu o `x` do começo, e não o que o anterior deixou."
pergunta = "Na segunda volta do laço, que tensor entra no bloco?"
erro = "O resultado de cada bloco volta à mesma variável."
onde = "Lição 05, «Empilhar»."

[chances]
imita = {saida = "chances"}
dica = "Saíram chances: o modelo devolve logits, sem softmax."
pergunta = "O que `head` dá?"
erro = "O softmax vem depois, na perda ou na geração."
onde = "Lição 05, «Logits não são probabilidades»."

[vetores]
imita = {saida = "vetores"}
dica = "Saíram vetores de C números, e não V logits: faltou `head`."
pergunta = "Que camada leva de C números a V?"
erro = "`head` vem por último."

[so_a_ultima]
imita = {saida = "só a última"}
dica = "Saíram os logits da última posição só; o modelo devolve os de todas."
pergunta = "Quantas posições fazem uma previsão?"
erro = "Todas: a forma é (B, T, V)."
onde = "Lição 05, «A perda conta todas as posições»."
""")
def modelo(resposta):
    """Classe `(config)` com as camadas do GPTMini; `forward(idx)`: ids (B, T) -> logits (B, T, V)."""
    exigir(resposta, classe=True)
    fichas = [replace(FICHA, vocab_size=V, d_model=C, n_heads=nh, n_layers=L) for V, C, nh, L in [(11, 12, 3, 2), (7, 10, 2, 3), (5, 6, 1, 1)]]
    gabaritos = [sortear_pesos(GPTMini(ficha), i) for i, ficha in enumerate(fichas)]
    textos = [torch.randint(ficha.vocab_size, forma, generator=sorteio(70 + i))
              for i, (ficha, forma) in enumerate(zip(fichas, [(2, 5), (3, 4), (1, 1)], strict=True))]
    with torch.no_grad():
        for gabarito in gabaritos:
            for p in gabarito.blocks.parameters():
                p.mul_(0.6)                                  # pesos menores, para que os blocos não amplifiquem o arredondamento
    meus = [montar(resposta, ficha, gabarito) for ficha, gabarito in zip(fichas, gabaritos, strict=True)]
    saidas, outras = ([um_tensor(chamar(meu, idx)) for meu, idx in zip(meus, textos, strict=True)] for _ in range(2))
    if not all(igual(a, b, 1e-3) for a, b in zip(saidas, outras, strict=True)):
        raise diga("geral.acaso")
    casos = list(zip(gabaritos, textos, strict=True))
    with torch.no_grad():
        julgar("modelo", saidas, casos, _modelo, "B T V", 1e-3)
    deles = dict(meus[0].named_parameters(remove_duplicate=False))
    mesmo_gradiente(lambda: _modelo(*casos[0]), functools.partial(meus[0], textos[0]), [], 1e-2,
                    [(p, deles[nome]) for nome, p in gabaritos[0].named_parameters()])
    return f"Dá os mesmos logits que o GPTMini, e os mesmos gradientes, em {len(casos)} tamanhos."


# -- a perda ------------------------------------------------------------------------------------------------

def _perda(logits, alvos, base="e", sinal=-1, divide="as contadas", chance="softmax", conta="as com alvo", ln="da chance", quais="o alvo", de="média"):
    contam = alvos != -100
    if conta == "todas, −100 como índice":
        alvos_, contam = alvos.clamp(min=-1) % logits.size(-1), torch.ones_like(contam)
    elif conta == "todas, −100 como 0":
        alvos_, contam = alvos.clamp(min=0), torch.ones_like(contam)
    else:
        alvos_ = alvos.clamp(min=0)
    if quais == "o anterior":
        alvos_ = alvos_.roll(1)
    chances = {"softmax": lambda: logits.softmax(-1), "no tempo": lambda: logits.softmax(0), "logits": lambda: logits}[chance]()
    desta = chances[torch.arange(len(alvos)), alvos_]
    custos = {"da chance": lambda: desta.log(), "sem": lambda: desta, "um menos": lambda: (1 - desta).log()}[ln]()
    custos = sinal * custos[contam] / {"e": 1, "2": math.log(2), "10": math.log(10)}[base]
    n = {"as contadas": int(contam.sum()), "todas": len(alvos), "nada": 1, "V": logits.size(-1)}[divide]
    return custos[-1] if de == "só a última" else custos[0] if de == "só a primeira" else custos.max() if de == "a maior" else custos.sum() / n


@exercicio(r"""
onde = "Lição 05, «A perda conta todas as posições»."

[chamou_a_pronta]
dica = "A resposta chama `{nome}`, que é a conta pronta; aqui ela se escreve à mão."
pergunta = "O que `{nome}` faz por dentro?"
erro = "Em cada posição, −ln da chance do alvo; depois, a média."

[sinal]
imita = {sinal = 1}
dica = "Faltou o sinal de menos: o logaritmo de uma chance é negativo, e a perda, positiva."
pergunta = "Quanto é ln(1/4)?"
erro = "A perda é −ln(chance)."
onde = "Lição 05, «Logits não são probabilidades»."

[soma]
imita = {divide = "nada"}
dica = "Saiu a soma; a perda é a média das posições que contam."
pergunta = "Por quantas posições se divide?"
erro = "Pelas que têm alvo diferente de −100."

[divide_por_todas]
imita = {divide = "todas"}
dica = "A soma foi dividida por T; divide-se só pelas posições que contam."
pergunta = "As posições de alvo −100 entram na média?"
erro = "Conte as de alvo diferente de −100, e divida por elas."

[divide_por_V]
imita = {divide = "V"}
dica = "A soma foi dividida por V; divide-se pelas posições que contam."
pergunta = "A média é de quê?"
erro = "De uma perda por posição, e não por token do vocabulário."

[conta_o_menos_100]
imita = [{conta = "todas, −100 como índice"}, {conta = "todas, −100 como 0"}]
dica = "As posições de alvo −100 entraram na conta; elas ficam de fora."
pergunta = "Que chance se cobra onde não há o que prever?"
erro = "Nenhuma: pule essas posições, na soma e na divisão."

[eixo_do_softmax]
imita = {chance = "no tempo"}
dica = "O softmax correu pelas posições; as chances são entre os V tokens, no último eixo."
pergunta = "Que números somam 1?"
erro = "Os V de cada posição: `dim=-1`."
onde = "Lição 05, «Logits não são probabilidades»."

[sem_softmax]
imita = [{chance = "logits"}, {chance = "logits", ln = "sem"}]
dica = "O logit foi usado como se fosse uma chance: faltou o softmax."
pergunta = "Um logit pode ser negativo?"
erro = "Sim, e uma chance não: o softmax faz de logits chances."
onde = "Lição 05, «Logits não são probabilidades»."

[sem_logaritmo]
imita = [{ln = "sem"}, {ln = "sem", sinal = 1}]
dica = "Saiu a média das chances: faltou o logaritmo."
pergunta = "Quanto paga quem deu chance 1 ao alvo?"
erro = "Zero, que é −ln(1)."

[um_menos_a_chance]
imita = {ln = "um menos"}
dica = "O logaritmo foi de 1 − chance; é o da própria chance."
pergunta = "Quanto paga quem deu chance 1 ao alvo?"
erro = "Zero, que é −ln(1)."

[outra_base]
imita = [{base = "2"}, {base = "10"}]
dica = "O logaritmo é de outra base: a perda do curso usa ln, o natural."
pergunta = "Qual é a diferença entre `.log()`, `.log2()` e `.log10()`?"
erro = "`.log()` e `math.log` são o ln."

[uma_posicao_so]
imita = [{de = "só a última"}, {de = "só a primeira"}]
dica = "Saiu a perda de uma posição só: o `return` está dentro do laço, ou a variável foi trocada em vez de somada."
pergunta = "Em que recuo está o `return`?"
erro = "Some uma por uma, e divida no fim."

[a_maior]
imita = {de = "a maior"}
dica = "Saiu a maior das perdas; é a média."
pergunta = "Que conta resume todas as posições?"
erro = "A soma das perdas dividida por quantas são."

[alvo_anterior]
imita = {quais = "o anterior"}
dica = "A posição t foi comparada com o alvo de t − 1; `alvos[t]` já é o token seguinte."
pergunta = "Que posição dos logits faz a previsão de `alvos[t]`?"
erro = "A própria posição t: os alvos já vêm deslocados."
""")
def perda_cruzada(resposta):
    """`f(logits, alvos)`: logits (T, V) e alvos (T,) -> a média de −ln(chance do alvo), menos onde o alvo é −100."""
    exigir(resposta)
    if nome := chama(resposta, {"cross_entropy", "CrossEntropyLoss", "nll_loss", "NLLLoss", "GPTMini"}):
        raise diga("perda_cruzada.chamou_a_pronta", nome=nome)
    casos = []
    for i, (T, V, fora) in enumerate([(6, 5, [2]), (4, 3, []), (7, 9, [0, 6]), (1, 4, []), (5, 8, [1, 2, 3])]):
        alvos = torch.randint(V, (T,), generator=sorteio(90 + i))
        alvos[fora] = -100
        casos.append((3 * torch.randn(T, V, generator=sorteio(80 + i)), alvos))
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    saidas = [s.reshape(()) if s.numel() == 1 else s for s in saidas]                 # (1,) também é um número
    julgar("perda_cruzada", saidas, casos, _perda, "")
    logits, alvos = casos[0]
    mesmo_gradiente(lambda x: _perda(x, alvos), lambda x: resposta(x, alvos.clone()), [logits])
    return f"É a média de −ln(chance) das posições com alvo, em {len(casos)} casos."


# -- os parâmetros -----------------------------------------------------------------------------------------


def _parametros(c, tabelas=True, posicoes=True, saida="certa", vieses="da ficha", projecao=True, neuronios=4, contrair=True,
                normas="certas", blocos=True, cabecas=1, falta_vies=False):
    V, T, C, b = c.vocab_size, c.context_length, c.d_model, {"nunca": 0, "sempre": 1}.get(vieses, c.bias)
    atencao_ = 3 * C * C + 3 * C * b + projecao * (C * C + C * b)
    feedforward_ = neuronios * (C * C + C * b) + contrair * (neuronios * C * C + C * b)
    norma = {"sem": 0, "só ganho": C, "viés da ficha": C + C * c.bias}.get(normas, 2 * C)
    bloco_ = -C * b * falta_vies + atencao_ * (1 if cabecas == 1 else c.n_heads) + feedforward_ + (1 if normas == "uma por bloco" else 2) * norma
    saida_ = {"sempre": V * C, "nunca": 0}.get(saida, 0 if c.tie_weights else V * C) + V * (saida == "com viés")
    final = 0 if normas == "sem a final" else norma
    return torch.tensor(tabelas * V * C + posicoes * T * C + (c.n_layers if blocos else 1) * bloco_ + final + saida_)


@exercicio(r"""
onde = "Lição 05, «Os parâmetros, contados à mão»."

[saida_contada_duas_vezes]
imita = {saida = "sempre"}
dica = "A saída foi contada mesmo quando é a própria tabela de tokens (`tie_weights=True`): são os mesmos números."
pergunta = "Com a saída amarrada, quantas tabelas V × C existem?"
erro = "Uma só, usada na entrada e na saída."
onde = "Lição 05, «GPTMini: a pilha inteira»."

[sem_saida]
imita = {saida = "nunca"}
dica = "Com `tie_weights=False` a saída tem a sua própria tabela, V × C, e ela não foi contada."
pergunta = "O que `tie_weights=False` acrescenta?"
erro = "Sem amarrar, são duas tabelas V × C."
onde = "Lição 05, «GPTMini: a pilha inteira»."

[saida_com_vies]
imita = {saida = "com viés"}
dica = "A camada de saída, `head`, não tem viés."
pergunta = "Que argumento `head` recebe no construtor?"
erro = "Ela é criada com `bias=False`."
onde = "Lição 05, «GPTMini: a pilha inteira»."

[falta_um_vies]
imita = {falta_vies = true}
dica = "Faltam C números por bloco: o viés de `proj` ou o de `contract`."
pergunta = "Quantos vieses tem cada camada linear?"
erro = "Um por número que sai: `proj` e `contract` dão C números."

[sem_posicoes]
imita = {posicoes = false}
dica = "Faltou a tabela de posições, context_length × C."
pergunta = "Quantas tabelas de embedding há?"
erro = "Uma de tokens e uma de posições."

[sem_tabela_de_tokens]
imita = {tabelas = false}
dica = "Faltou a tabela de tokens, V × C."
pergunta = "Quantas tabelas de embedding há?"
erro = "Uma de tokens e uma de posições."

[sem_vieses]
imita = {vieses = "nunca"}
dica = "Faltaram os vieses das camadas lineares."
pergunta = "Quantos vieses tem uma camada de a para b?"
erro = "São b vieses, se `bias=True`."

[vieses_sempre]
imita = {vieses = "sempre"}
dica = "Os vieses foram contados mesmo com `bias=False`."
pergunta = "O que `bias=False` tira das camadas lineares?"
erro = "Cada camada de a para b tem b vieses só se `bias=True`."

[sem_projecao]
imita = {projecao = false}
dica = "Faltou a projeção de saída da atenção, `proj`: mais C × C, e o viés."
pergunta = "Que camadas tem a atenção?"
erro = "`qkv`, com 3C² pesos, e `proj`, com C²."

[sem_contract]
imita = {contrair = false}
dica = "O feedforward foi contado sem `contract`."
pergunta = "Que camadas tem o feedforward?"
erro = "`expand` e `contract`, com 4C² pesos cada uma."

[sem_expansao]
imita = {neuronios = 1}
dica = "O feedforward foi contado sem a expansão: ele tem 4C neurônios, e não C."
pergunta = "Quantos números saem de `expand`?"
erro = "São 4C."

[sem_normas]
imita = {normas = "sem"}
dica = "Faltaram as LayerNorm."
pergunta = "Quantas normalizações há em cada bloco, e quantas depois deles?"
erro = "Duas por bloco e uma no fim, cada uma com 2C."

[sem_norma_final]
imita = {normas = "sem a final"}
dica = "Faltou a LayerNorm final, depois dos blocos: mais 2C."
pergunta = "O que há entre o último bloco e a saída?"
erro = "`final_norm`."

[norma_so_com_ganho]
imita = {normas = "só ganho"}
dica = "Cada LayerNorm tem ganho e viés: 2C, e não C."
pergunta = "Que parâmetros tem a LayerNorm?"
erro = "`gain` e `bias`, C cada um."

[uma_norma_por_bloco]
imita = {normas = "uma por bloco"}
dica = "São duas LayerNorm por bloco, e não uma."
pergunta = "Que peças tem um bloco?"
erro = "Uma normalização antes da atenção e outra antes do feedforward."

[vies_da_norma]
imita = {normas = "viés da ficha"}
dica = "O viés da LayerNorm existe mesmo com `bias=False`: a ficha só decide o das camadas lineares."
pergunta = "A LayerNorm do curso recebe a ficha?"
erro = "Ela recebe só d_model, e tem sempre ganho e viés."
onde = "Lição 04, «A classe»."

[um_bloco_so]
imita = {blocos = false}
dica = "Foi contado um bloco só: multiplique por n_layers."
pergunta = "Quantos blocos tem a pilha?"
erro = "Cada bloco tem os seus próprios parâmetros."

[vezes_cabecas]
imita = {cabecas = "todas"}
dica = "A atenção foi multiplicada por n_heads: as cabeças repartem os mesmos C números."
pergunta = "Mais cabeças, mais parâmetros?"
erro = "O número de cabeças não muda o de parâmetros."
onde = "Lição 02, «Várias cabeças»."

[montou_o_modelo]
dica = "A resposta usa `{nome}`: aqui se conta com V, T, C e o número de blocos, sem montar o modelo."
pergunta = "Quantos pesos e quantos vieses tem uma camada linear de a para b?"
erro = "São a × b pesos e b vieses; some camada por camada, como na tabela."

[outra_conta]
dica = "Com {ficha}, veio {veio} e são {certo}: {diferenca}.{pista}"
pergunta = "Que parte da tabela da lição você contou a mais ou a menos?"
erro = "São {partes}."
""")
def contar_parametros(resposta):
    """`f(config) -> int`: quantos parâmetros tem `GPTMini(config)`, contados sem montá-lo."""
    exigir(resposta)
    if nome := chama(resposta, {"num_parameters", "numel", "parameters", "named_parameters", "GPTMini", "GPTSimples", "TransformerBlock"}):
        raise diga("contar_parametros.montou_o_modelo", nome=nome)
    base = replace(FICHA, vocab_size=31, context_length=17, n_layers=3)       # tamanhos que não se confundem numa soma
    fichas = [replace(base, **m) for m in ({}, {"bias": False, "d_model": 10, "n_heads": 2}, {"tie_weights": False, "n_layers": 2},
              {"bias": False, "tie_weights": False, "n_layers": 1, "n_heads": 4}, {"vocab_size": 5, "context_length": 41, "n_layers": 7, "dropout": 0.1},
              {"d_model": 1, "n_heads": 1, "context_length": 1, "n_layers": 1})]
    vieram = [um_inteiro(chamar(resposta, ficha)) for ficha in fichas]
    for veio, ficha in zip(vieram, fichas, strict=True):
        modelo = GPTMini(ficha)
        partes = {nome: sum(p.numel() for p in peca.parameters()) for nome, peca in modelo.named_children()
                  if nome != "dropout" and not (nome == "head" and ficha.tie_weights)}
        if veio == (certo := modelo.num_parameters()):
            continue
        saidas, casos = [torch.tensor(n) for n in vieram], [(f,) for f in fichas]
        if falha := erro_conhecido("contar_parametros", saidas, casos, _parametros, folga=0):
            raise falha
        d, amarrada = abs(veio - certo), ", e `head` é a própria `token_embedding`" if ficha.tie_weights else ""
        somas = [grupo for n in range(1, len(partes) + 1) for grupo in itertools.combinations(partes, n) if sum(map(partes.get, grupo)) == d]
        pista = f" É o que há em {' + '.join(f'`{nome}`' for nome in somas[0])}." if len(somas) == 1 else ""
        raise diga("contar_parametros.outra_conta", veio=veio, certo=certo, pista=pista,
                     ficha=f"d_model={ficha.d_model}, n_layers={ficha.n_layers}, bias={ficha.bias}, tie_weights={ficha.tie_weights}",
                     diferenca=f"{'sobram' if veio > certo else 'faltam'} {d}",
                     partes=", ".join(f"{n} em `{nome}`" for nome, n in partes.items()) + amarrada)
    return f"A conta bate em {len(fichas)} fichas diferentes."


# -- o bloco paralelo ---------------------------------------------------------------------------------------

class _Paralelo(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm = LayerNorm(config.d_model)
        self.attention = CausalSelfAttention(config)
        self.feedforward = FeedForward(config)


def _paralelo(m, x, lado="a lado", norma="na entrada", soma="x", pecas="as duas", curva=None):
    ff = functools.partial(conta_do_feedforward, m.feedforward, curva=curva) if curva else m.feedforward
    lido = x if norma in ("sem", "no fim", "só no feedforward") else m.norm(x)
    a = m.attention(lido)
    para_ff = m.norm(x) if norma == "só no feedforward" else x if norma == "só na atenção" else lido
    if lado == "em fila":
        para_ff = m.norm(x + a)
    elif lado == "um no outro":
        para_ff = a
    elif lado == "em fila, sem atalho no meio":
        para_ff = m.norm(a)
    elif lado == "em fila, sem normalizar de novo":
        para_ff = x + a
    f = ff(para_ff)
    escrito = {"as duas": lambda: a + f, "só a atenção": lambda: a, "só o feedforward": lambda: f, "produto": lambda: a * f,
               "média": lambda: (a + f) / 2}[pecas]()
    saida = escrito + {"x": x, "nada": 0, "dois x": 2 * x, "a norma": m.norm(x)}[soma]
    return m.norm(saida) if norma == "no fim" else saida


@exercicio(r"""
onde = "Lição 05, «O bloco Transformer»."

[em_fila]
imita = [{lado = "em fila"}, {lado = "um no outro"}, {lado = "em fila, sem atalho no meio"}, {lado = "em fila, sem normalizar de novo"}]
dica = "O feedforward leu o que a atenção escreveu: isso ainda é uma fila. No bloco paralelo as duas peças leem a mesma coisa."
pergunta = "O que entra na atenção, e o que entra no feedforward?"
erro = "Nos dois casos, o x de entrada, normalizado: guarde-o numa variável e dê a mesma às duas."

[sem_atalho]
imita = {soma = "nada"}
dica = "Falta o atalho: os dois resultados se somam ao x que entrou."
pergunta = "Onde, na saída, está o x que entrou?"
erro = "São três parcelas: x, a atenção e o feedforward."

[dois_atalhos]
imita = {soma = "dois x"}
dica = "O x foi somado duas vezes, uma com cada peça; ele entra uma vez só."
pergunta = "Quantas parcelas tem a soma?"
erro = "Três: x, a atenção e o feedforward."

[atalho_da_norma]
imita = {soma = "a norma"}
dica = "O atalho saiu do valor normalizado: some o x que entrou, e não o normalizado."
pergunta = "Depois da soma, o x que entrou ainda está lá dentro?"
erro = "O normalizado é só para o que as peças leem."

[sem_norma]
imita = {norma = "sem"}
dica = "Faltou a normalização: as duas peças leram x cru."
pergunta = "Que camada do construtor você não usou?"
erro = "As peças leem `self.norm(x)`."

[norma_no_fim]
imita = {norma = "no fim"}
dica = "A normalização veio depois da soma; ela fica na entrada das peças."
pergunta = "O x passa por alguma normalização no caminho direto?"
erro = "Com ela depois da soma, o atalho deixa de ser um caminho livre."

[feedforward_cru]
imita = {norma = "só na atenção"}
dica = "O feedforward leu x cru; as duas peças leem o mesmo x normalizado."
pergunta = "O que entra em cada peça?"
erro = "Nas duas, `self.norm(x)`."

[atencao_crua]
imita = {norma = "só no feedforward"}
dica = "A atenção leu x cru; as duas peças leem o mesmo x normalizado."
pergunta = "O que entra em cada peça?"
erro = "Nas duas, `self.norm(x)`."

[so_a_atencao]
imita = {pecas = "só a atenção"}
dica = "O resultado do feedforward não chega à saída."
pergunta = "Quantas parcelas tem a soma?"
erro = "Três: x, a atenção e o feedforward."

[so_o_feedforward]
imita = {pecas = "só o feedforward"}
dica = "O resultado da atenção não chega à saída."
pergunta = "Quantas parcelas tem a soma?"
erro = "Três: x, a atenção e o feedforward."

[produto]
imita = {pecas = "produto"}
dica = "Os resultados das peças foram multiplicados; eles se somam."
pergunta = "O que o fluxo residual recebe?"
erro = "Só somas."

[media]
imita = {pecas = "média"}
dica = "Saiu a média das duas peças; elas se somam, sem dividir."
pergunta = "Quantas parcelas tem a soma, e com que peso?"
erro = "x + atenção + feedforward."
""")
def bloco_paralelo(resposta):
    """Classe `(config)` com `norm`, `attention`, `feedforward`; as duas peças leem a mesma entrada normalizada."""
    casos = casos_da_ficha(_Paralelo, (12, 3, 2, 5), (10, 2, 3, 4), (6, 1, 1, 1))
    return conferir_camada("bloco_paralelo", resposta, casos, _paralelo, folga=3e-4, aceita=DUAS_FORMAS, folga_do_erro=3e-3)
