"""O bloco e o modelo: a classe, e quantos parâmetros ele tem."""

import functools
import itertools
import types
from dataclasses import replace

import torch

from apoio.confere.corretor import FICHA, casos_da_ficha, chamar, conferir_camada, diga, erro_conhecido, exercicio, exigir, um_inteiro
from apoio.confere.licoes.feedforward import DUAS_FORMAS, conta_do_feedforward
from apoio.confere.licoes.residual import passo
from gptmini.modelo import GPTMini, TransformerBlock


def _bloco(m, x, modo1="pre", modo2="pre", troca_normas=False, troca_pecas=False, repete=None, le="depois", soma="depois",
           norma_no_fim=False, curva=None):
    if curva:
        m = types.SimpleNamespace(norm1=m.norm1, norm2=m.norm2, attention=m.attention,
                                  feedforward=functools.partial(conta_do_feedforward, m.feedforward, curva=curva))
    n1, n2 = (m.norm2, m.norm1) if troca_normas else (m.norm1, m.norm2)
    n1, n2 = (getattr(m, repete),) * 2 if repete else (n1, n2)
    primeira, segunda = (m.feedforward, m.attention) if troca_pecas else (m.attention, m.feedforward)
    h = passo(x, primeira, n1, modo1)
    if soma == "só a segunda":
        return x + segunda(n2(x))
    if le == "antes":
        return h + segunda(n2(x))
    h = x + segunda(n2(h)) if soma == "antes" else passo(h, segunda, n2, modo2)
    return n2(h) if norma_no_fim else h


@exercicio(r"""
pergunta = "Em cada linha, que x a peça lê, e que x se soma?"
erro = "As duas linhas do bloco têm o mesmo desenho: x + peça(norma(x))."
onde = "Lição 05, «O bloco Transformer»."

[post_ln]
imita = {modo1 = "pós", modo2 = "pós"}
dica = "Isto é *post-LN*: as normas vieram depois das somas. No GPT-2 elas ficam na entrada de cada peça."
pergunta = "O x passa por alguma norma no caminho direto?"
erro = "Com a norma depois da soma, o atalho deixa de ser um caminho livre."
onde = "Lição 04, «Onde pôr a norma: *pre-LN* e *post-LN*»."

[atalhos_da_norma]
imita = {modo1 = "da norma", modo2 = "da norma"}
dica = "Os dois atalhos saíram do valor normalizado: some o x, e não a norma dele."
pergunta = "Depois das somas, o x que entrou ainda está lá dentro?"
erro = "A norma é só para o que a peça lê."

[normas_na_saida]
imita = {modo1 = "na saída", modo2 = "na saída"}
dica = "As normas foram postas na saída das peças; elas ficam na entrada."

[sem_normas]
imita = {modo1 = "sem norma", modo2 = "sem norma"}
dica = "Faltam as duas normas: as peças leram x cru."

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
dica = "Falta a norma da atenção: ela leu x cru."

[feedforward_sem_norma]
imita = {modo2 = "sem norma"}
dica = "Falta a norma do feedforward: ele leu x cru."

[atencao_soma_a_norma]
imita = {modo1 = "da norma"}
dica = "Na linha da atenção, o atalho saiu do valor normalizado: some o x, e não a norma dele."

[feedforward_soma_a_norma]
imita = {modo2 = "da norma"}
dica = "Na linha do feedforward, o atalho saiu do valor normalizado: some o x, e não a norma dele."

[atencao_post_ln]
imita = {modo1 = "pós"}
dica = "Na linha da atenção, a norma veio depois da soma (*post-LN*)."

[feedforward_post_ln]
imita = {modo2 = "pós"}
dica = "Na linha do feedforward, a norma veio depois da soma (*post-LN*)."

[atencao_norma_na_saida]
imita = {modo1 = "na saída"}
dica = "Na linha da atenção, a norma foi posta na saída da peça, e não na entrada."

[feedforward_norma_na_saida]
imita = {modo2 = "na saída"}
dica = "Na linha do feedforward, a norma foi posta na saída da peça, e não na entrada."

[normas_trocadas]
imita = {troca_normas = true}
dica = "As normas estão trocadas: `norm1` é da atenção, e `norm2`, do feedforward."
pergunta = "Que norma vem antes de que peça?"
erro = "Cada uma aprende o seu ganho e o seu viés."

[norma_repetida]
imita = [{repete = "norm1"}, {repete = "norm2"}]
dica = "A mesma norma foi usada nas duas peças, e a outra ficou sem uso."
pergunta = "Que peça do construtor você não usou?"
erro = "Cada uma aprende o seu ganho e o seu viés."

[pecas_trocadas]
imita = [{troca_pecas = true}, {troca_pecas = true, troca_normas = true}]
dica = "A ordem das peças está trocada: primeiro a atenção, depois o feedforward."
pergunta = "Primeiro os tokens trocam informação, ou cada um processa a sua?"
erro = "O feedforward processa o que a atenção recolheu."

[norma_no_fim]
imita = {norma_no_fim = true}
dica = "O bloco acabou numa norma a mais: depois da segunda soma não há norma."
pergunta = "O x passa por alguma norma no caminho direto?"
erro = "A norma final é uma só, do modelo, depois do último bloco."

[lado_a_lado]
imita = {le = "antes"}
dica = "As duas peças leram o mesmo x: o feedforward tem de ler o que a atenção já escreveu."
pergunta = "Na segunda linha, que x entra na norma?"
erro = "As peças vêm em fila, e não lado a lado."

[soma_o_x_do_comeco]
imita = {soma = "antes"}
dica = "A segunda soma usou o x do começo: o que a atenção escreveu se perdeu."
pergunta = "Na segunda linha, que x se soma?"
erro = "Depois da primeira soma, o x é o novo."

[so_atencao]
imita = {modo2 = "sem peça"}
dica = "O feedforward não foi chamado."

[atencao_nao_chega]
imita = {soma = "só a segunda"}
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
pergunta = "Quantas normas há em cada bloco, e quantas depois deles?"
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
erro = "Uma norma antes da atenção e outra antes do feedforward."

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

[outra_conta]
dica = "Com {ficha}, veio {veio} e são {certo}: {diferenca}.{pista}"
pergunta = "Que parte da tabela da lição você contou a mais ou a menos?"
erro = "São {partes}."
""")
def contar_parametros(resposta):
    """`f(config) -> int`: quantos parâmetros tem `GPTMini(config)`."""
    exigir(resposta)
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
