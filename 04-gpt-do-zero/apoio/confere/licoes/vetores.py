"""Tensores e vetores: eixos, a camada linear, um módulo, a inclinação, e o vetor de cada token no seu lugar."""

import torch
from torch import nn

from apoio.confere.corretor import (
    chamar,
    comum,
    conferir_camada,
    cru,
    descrever,
    diga,
    e_um,
    exercicio,
    exigir,
    igual,
    julgar,
    nome_do_tipo,
    pt,
    sortear_pesos,
    sorteio,
    um_inteiro,
    um_tensor,
    uma_sequencia,
)


def _centrar(x, eixo=0, resumo="média", modo="menos"):
    m = x.mean(eixo, keepdim=True) if resumo == "média" else x.sum(eixo, keepdim=True)
    return {"menos": lambda: x - m, "ao contrário": lambda: m - x, "mais": lambda: x + m, "vezes": lambda: x * m, "dividido": lambda: x / m,
            "só a média": lambda: m.squeeze(0), "nada": lambda: x, "deitada": lambda: x - m.flatten() if len(m) == x.shape[1] else x}[modo]()


@exercicio(r"""
onde = "Lição 01, «Somar um eixo»."

[media_da_linha]
imita = [{eixo = 1}, {eixo = 1, modo = "deitada"}]
dica = "A média foi a de cada linha; o exercício pede a de cada coluna."
pergunta = "Numa tabela (4, 3), quantas médias saem quando há uma por coluna?"
erro = "O eixo que se diz em `dim` é o que some: para sobrar uma média por coluna, somem as linhas, que são o eixo 0."

[media_de_tudo]
imita = {eixo = [0, 1]}
dica = "A média foi uma só, a da tabela inteira; o exercício pede uma por coluna."
pergunta = "O que falta dizer a `.mean()`?"
erro = "Sem `dim`, a média é a de todos os números."

[soma]
imita = {resumo = "soma"}
dica = "Tirou-se a soma de cada coluna, e não a média."
pergunta = "Depois da sua conta, quanto dá a média de cada coluna?"
erro = "A média é a soma dividida pelo número de linhas: `.mean(dim=0)`."

[ao_contrario]
imita = {modo = "ao contrário"}
dica = "A conta ficou ao contrário: é a tabela menos a média, e não a média menos a tabela."
pergunta = "Um número maior que a média deve ficar positivo ou negativo?"
erro = "O que está acima da média fica positivo."

[somou]
imita = {modo = "mais"}
dica = "A média foi somada; é para subtrair."
pergunta = "Depois da sua conta, a média de cada coluna é 0?"
erro = "Somar a média a dobra; subtrair a leva a 0."

[multiplicou]
imita = [{modo = "vezes"}, {modo = "dividido"}]
dica = "A média multiplicou ou dividiu a tabela; é para subtrair."
pergunta = "Que conta leva a média de uma coluna a 0?"
erro = "Se de cada número se tira a média, a soma do que sobra é 0."

[so_a_media]
imita = {modo = "só a média"}
dica = "A função devolve as médias; falta tirá-las da tabela."
pergunta = "Que forma tem o que entrou, e que forma tem o que saiu?"
erro = "A saída tem a forma da entrada, (T, C)."

[nada]
imita = {modo = "nada"}
dica = "A função devolve a tabela como veio."
pergunta = "Onde a média entra na conta?"
erro = "Falta subtrair a média de cada coluna."
""")
def centrar(resposta):
    """`f(x)`: a tabela (T, C) menos a média de cada coluna."""
    exigir(resposta)
    casos = [(torch.randn(T, C, generator=sorteio(i)) + torch.arange(C) + 2.0 * torch.arange(T)[:, None],) for i, (T, C) in enumerate([(4, 4), (3, 3)])]
    julgar("centrar", [um_tensor(chamar(resposta, *caso)) for caso in casos], casos, _centrar, "")
    casos = [(torch.randn(T, C, generator=sorteio(i)) + torch.arange(C),) for i, (T, C) in enumerate([(5, 2), (2, 6)])]
    julgar("centrar", [um_tensor(chamar(resposta, *caso)) for caso in casos], casos, _centrar, "")
    return "Cada coluna ficou com média 0, em tabelas de quatro tamanhos."


def _linear(x, W, b, deitada=True, vies="soma", somar=True):
    quadrada = W.shape[0] == W.shape[1]
    if not somar and quadrada:
        return x * W + b
    W = W if deitada or not quadrada else W.T
    entra = x + b if vies == "antes" and quadrada else x
    saida = (entra * W).sum(1)
    return {"soma": lambda: saida + b, "nenhum": lambda: saida, "subtrai": lambda: saida - b, "vezes": lambda: saida * b,
            "em cada parcela": lambda: saida + len(x) * b, "antes": lambda: saida}[vies]()


@exercicio(r"""
onde = "Lição 01, «A camada linear»."

[sem_deitar]
imita = {deitada = false}
dica = "A conta usou as colunas de W; cada número que sai usa uma **linha** de W."
pergunta = "Se W tem 2 linhas e 3 colunas, quantos números saem?"
erro = "Com `@`, é `x @ W.T`: a matriz deitada."

[sem_vies]
imita = {vies = "nenhum"}
dica = "Faltou o viés: cada número que sai soma o seu `b`."
pergunta = "Que argumento da função você não usou?"
erro = "É x vezes W, e no fim mais b."

[vies_subtraido]
imita = {vies = "subtrai"}
dica = "O viés foi subtraído; é para somar."
pergunta = "Se x é todo de zeros, o que deve sair?"
erro = "Com x = 0, sai b."

[vies_vezes]
imita = {vies = "vezes"}
dica = "O viés multiplicou; é para somar."
pergunta = "Se x é todo de zeros, o que deve sair?"
erro = "Com x = 0, sai b."

[vies_em_cada_parcela]
imita = {vies = "em cada parcela"}
dica = "O viés entrou em cada parcela da soma: soma-se uma vez só, depois dela."
pergunta = "Se x é todo de zeros, o que deve sair?"
erro = "Com x = 0 sai b, e não b vezes o tamanho de x."

[vies_antes]
imita = {vies = "antes"}
dica = "O viés foi somado a x, antes dos pesos; é para somar ao que sai."
pergunta = "Quantos números tem b: tantos quantos entram ou quantos saem?"
erro = "Há um viés por número que sai."

[sem_somar]
imita = {somar = false}
dica = "Faltou somar: cada linha de W vezes x dá vários números, e deles sai um só."
pergunta = "Que forma tem o que você devolveu?"
erro = "Depois de multiplicar lugar a lugar, some: `(linha * x).sum()`."
""")
def minha_linear(resposta):
    """`f(x, W, b)`: o vetor x (n,) pela camada linear de pesos W (m, n) e viés b (m,)."""
    exigir(resposta)
    for tamanhos in ([(4, 4), (3, 3)], [(3, 2), (2, 5), (6, 1)]):          # primeiro quadradas: nelas todo engano roda, e se reconhece
        casos = [tuple(torch.randn(*forma, generator=sorteio(10 * i + k)) for k, forma in enumerate([(n,), (m, n), (m,)])) for i, (n, m) in enumerate(tamanhos)]
        julgar("minha_linear", [um_tensor(chamar(resposta, *caso)) for caso in casos], casos, _linear, "")
    return "Dá o mesmo que `nn.Linear`, em cinco tamanhos."


class _GanhoEVies(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.ganho, self.vies = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))

    def forward(self, x):
        return x * self.ganho + self.vies


def _ganho_e_vies(m, x, ganho=True, vies=True, ordem="depois", sinal=1):
    if ordem == "antes":
        return (x + m.vies) * m.ganho
    if ordem == "trocados":
        return x * m.vies + m.ganho
    if ordem == "somados":
        return x + m.ganho + m.vies
    return x * (m.ganho if ganho else 1) + sinal * (m.vies if vies else 0)


def _pecas(modulo):
    if not e_um(modulo, nn.Module):
        raise diga("geral.nao_e_camada", nome=nome_do_tipo(modulo))
    tem = dict(modulo.named_parameters())
    if not tem:
        chamar(modulo, torch.ones(2, 4))                # em branco, diz que está em branco
    for nome, comeco in (("ganho", 1.0), ("vies", 0.0)):
        if nome not in tem:
            solto = e_um(getattr(modulo, nome, None), torch.Tensor)
            raise diga("ganho_e_vies.solto" if solto else "ganho_e_vies.falta", nome=nome)
        valor = um_tensor(tem[nome])
        if valor.shape != (4,):
            raise diga("ganho_e_vies.tamanho", nome=nome, veio=tuple(valor.shape))
        if not igual(valor, torch.full((4,), comeco), 1e-6):
            raise diga("ganho_e_vies.comeco", nome=nome, comeco=f"{comeco:.0f}")
    return True


@exercicio(r"""
onde = "Lição 01, «Um módulo do PyTorch»."

[falta]
dica = "Falta na classe o parâmetro `{nome}`."
pergunta = "O construtor cria `self.{nome}`, com esse nome exato?"
erro = "No construtor, depois de `super().__init__()`: `self.{nome} = nn.Parameter(…)`."

[solto]
dica = "`{nome}` existe, mas é um tensor solto: fora de `nn.Parameter` o treino não o ajusta."
pergunta = "O que `.parameters()` mostra do seu módulo?"
erro = "Só o que é `nn.Parameter` entra na lista do que se treina."

[tamanho]
dica = "Com n = 4, `{nome}` veio com forma {veio}; esperava (4,), um número por coluna."
pergunta = "Onde entra o `n` do construtor?"
erro = "`torch.ones(n)` e `torch.zeros(n)` têm forma (n,)."

[comeco]
dica = "`{nome}` tem de começar todo em {comeco}, para que o módulo recém-criado devolva x igual."
pergunta = "Que número, multiplicado ou somado, não muda nada?"
erro = "Multiplicar por 1 não muda; somar 0, também não."

[sem_ganho]
imita = {ganho = false}
dica = "Faltou o ganho: multiplique x por `self.ganho`."
pergunta = "Que parâmetro do construtor o `forward` não usa?"
erro = "A conta é x · ganho + viés."

[sem_vies]
imita = {vies = false}
dica = "Faltou o viés: some `self.vies` ao resultado."
pergunta = "Que parâmetro do construtor o `forward` não usa?"
erro = "A conta é x · ganho + viés."

[vies_antes]
imita = {ordem = "antes"}
dica = "O viés entrou antes do ganho, e foi multiplicado por ele: primeiro se multiplica, depois se soma."
pergunta = "Se x é 0, o que deve sair?"
erro = "Com x = 0 sai o viés, sem ganho nenhum: confira os parênteses."

[trocados]
imita = {ordem = "trocados"}
dica = "Os dois papéis estão trocados: o ganho multiplica, e o viés soma."
pergunta = "Qual dos dois começa em 1?"
erro = "O que começa em 1 multiplica; o que começa em 0 soma."

[somados]
imita = {ordem = "somados"}
dica = "O ganho foi somado; ele multiplica."
pergunta = "Se x é 0, o que deve sair?"
erro = "A conta é x · ganho + viés."

[vies_subtraido]
imita = {sinal = -1}
dica = "O viés foi subtraído; é para somar."
pergunta = "Se x é 0, o que deve sair?"
erro = "Com x = 0 sai o viés, com o sinal dele."
""")
def ganho_e_vies(resposta):
    """Classe `(n)` com `ganho` e `vies`, de n números cada um; `forward(x)`: x · ganho + viés."""
    exigir(resposta, classe=True)
    chamar(_pecas, chamar(resposta, 4))
    casos = [(n, sortear_pesos(_GanhoEVies(n), i), torch.randn(B, T, n, generator=sorteio(20 + i)))
             for i, (B, T, n) in enumerate([(2, 3, 4), (1, 5, 6), (3, 2, 3)])]
    return conferir_camada("ganho_e_vies", resposta, casos, _ganho_e_vies)


_CURVAS = ((lambda w: w * w, 3.0), (lambda w: w * w * w, 2.0), (lambda w: 5 * w - 2, -1.0), (lambda w: 10 - w * w, 1.5), (lambda w: w * w, -4.0))


def _inclinacao(f, w, h=0.001, modo="divide", regra=None):
    sobe = f(w + h) - f(w)
    numero = {"divide": lambda: sobe / h, "só a diferença": lambda: sobe, "vezes": lambda: sobe * h, "por w": lambda: sobe / w,
              "ao contrário": lambda: -sobe / h, "sem a de antes": lambda: f(w + h) / h, "sem parênteses": lambda: f(w + h) - f(w) / h,
              "dos dois lados": lambda: (f(w + h) - f(w - h)) / h, "só f": lambda: f(w), "empurrado": lambda: f(w + h),
              "menos w": lambda: (f(w + h) - w) / h,
              "2w": lambda: 2 * w}[regra or modo]()
    return torch.tensor(numero, dtype=torch.float64)


@exercicio(r"""
onde = "Lição 01, «O gradiente, com um número só»."

[so_a_diferenca]
imita = {modo = "só a diferença"}
dica = "Falta dividir pelo empurrão: isto é quanto f mudou, e não quantas vezes o empurrão."
pergunta = "Se w sobe 0,001 e f sobe 0,006, quantas vezes o empurrão é isso?"
erro = "A inclinação é a mudança de f dividida pela de w."

[vezes]
imita = {modo = "vezes"}
dica = "A diferença foi multiplicada pelo empurrão; é para dividir."
pergunta = "Se w sobe 0,001 e f sobe 0,006, quantas vezes o empurrão é isso?"
erro = "0,006 dividido por 0,001 é 6."

[por_w]
imita = {modo = "por w"}
dica = "A diferença foi dividida por w; divide-se pelo empurrão."
pergunta = "Quanto w mudou: w inteiro, ou só 0,001?"
erro = "A inclinação é a mudança de f dividida pela mudança de w."

[ao_contrario]
imita = {modo = "ao contrário"}
dica = "O sinal está trocado: é o f depois do empurrão menos o f de antes."
pergunta = "Quando w sobe e f também sobe, a inclinação é positiva ou negativa?"
erro = "Se f sobe com w, a inclinação é positiva."

[sem_a_de_antes]
imita = [{modo = "sem a de antes"}, {modo = "sem parênteses"}]
dica = "Dividiu-se um valor de f só, e não a diferença: é (f(w + h) − f(w)) / h, com os parênteses."
pergunta = "Em que ordem o Python faz `a - b / c`?"
erro = "A divisão vem antes da subtração, se os parênteses não mandam o contrário."

[dos_dois_lados]
imita = {modo = "dos dois lados"}
dica = "O resultado é o dobro: de w − h a w + h, w andou duas vezes h."
pergunta = "Quanto w mudou entre as duas chamadas de f?"
erro = "Divida por 2 · h, ou compare f(w + h) com f(w)."

[so_f]
imita = [{modo = "só f"}, {modo = "empurrado"}]
dica = "Isto é o valor de f, e não quanto ele muda quando w muda."
pergunta = "Quantas vezes a sua função chama f?"
erro = "São duas chamadas: f em w, e f em w empurrado."

[so_do_quadrado]
imita = {regra = "2w"}
dica = "2w é a inclinação de w² só; `inclinacao` recebe uma função f qualquer."
pergunta = "Onde f entra na sua conta?"
erro = "A inclinação de 5w − 2 é 5, em qualquer w."

[empurrao_grande]
imita = [{h = 1.0}, {h = 0.1}, {h = 0.5}, {h = 2.0}]
dica = "O empurrão é grande demais: longe de w, a inclinação de f já é outra."
pergunta = "De que tamanho é o seu empurrão?"
erro = "Use um empurrão pequeno, como 0,001."

[menos_w]
imita = {modo = "menos w"}
dica = "Subtraiu-se w, e não f(w): compara-se o f de depois com o f de antes."
pergunta = "Quantas vezes a sua função chama f?"
erro = "São duas chamadas: f em w, e f em w empurrado."

[outra]
dica = "Numa das funções, em w = {w}, veio {veio}; a inclinação ali é {certa}."
pergunta = "O que sai da sua função com f = w² e w = 3?"
erro = "Deve sair perto de 6: é (3,001² − 3²) / 0,001."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número."
pergunta = "O que está depois do `return`?"
erro = "A inclinação é um número só."
""")
def inclinacao(resposta):
    """`f(f, w)`: quantas vezes o empurrão f muda, em w; por empurrão ou pelo gradiente do PyTorch."""
    exigir(resposta)
    saidas = []
    for caso in _CURVAS:
        veio = chamar(resposta, *caso)
        numero = cru(veio)
        if type(numero) not in (int, float) or abs(numero) > 1e12:
            raise diga("inclinacao.nao_e_numero", veio=descrever(veio))
        saidas.append(torch.tensor(float(numero), dtype=torch.float64))
    julgar("inclinacao", saidas, _CURVAS, _inclinacao, "", folga=1e-2, folga_do_erro=1e-5, sintomas=_onde_a_inclinacao_difere)
    return f"Dá a inclinação de {len(_CURVAS)} funções, a menos de um erro pequeno."


def _onde_a_inclinacao_difere(saidas, casos):
    veio, caso = next((s, caso) for s, caso in zip(saidas, casos, strict=True) if not igual(s, _inclinacao(*caso), 1e-2))
    return diga("inclinacao.outra", w=pt(caso[1]), veio=pt(veio), certa=pt(_inclinacao(*caso, h=1e-6)))


def _entrada(ids, tabela, posicoes, lugar="ordem", conta="soma", tokens=True):
    T, ids = len(ids), torch.tensor(ids)
    em_ordem = torch.arange(T)
    quais = {"ordem": em_ordem, "id": ids, "zero": 0 * em_ordem, "um": em_ordem + 1, "fim": len(posicoes) - T + em_ordem,
             "contrário": T - 1 - em_ordem, "tamanho": 0 * em_ordem + T, "último": 0 * em_ordem + T - 1}[lugar]
    a, b = tabela[ids], posicoes[quais]                                                   # (T, C)
    if not tokens:
        return b
    return {"soma": lambda: a + b, "só tokens": lambda: a, "produto": lambda: a * b, "diferença": lambda: a - b, "tudo somado": lambda: (a + b).sum(0),
            "emendadas": lambda: torch.cat([a, b]), "tabela na ordem": lambda: tabela[:T] + b}[conta]()


@exercicio(r"""
onde = "Lição 01, «A ordem importa»."

[pelo_id]
imita = {lugar = "id"}
dica = "A linha de `posicoes` foi escolhida pelo id; quem a escolhe é o lugar do token na frase: 0, 1, 2…"
pergunta = "Se a mesma palavra aparece duas vezes, que vetores saem da sua função?"
erro = "Do jeito que está, a mesma palavra dá sempre o mesmo vetor, e a ordem se perde outra vez."

[sem_posicao]
imita = {conta = "só tokens"}
dica = "Faltou o vetor de posição."
pergunta = "Que argumento da função você não usou?"
erro = "O vetor que entra no modelo é o do token mais o do lugar."

[sem_token]
imita = {tokens = false}
dica = "Faltou o vetor do token: saíram só as posições."
pergunta = "Que argumento da função você não usou?"
erro = "O vetor que entra no modelo é o do token mais o do lugar."

[mesmo_lugar]
imita = [{lugar = "zero"}, {lugar = "tamanho"}, {lugar = "último"}]
dica = "Todos os tokens receberam o mesmo vetor de posição."
pergunta = "Que número escolhe a linha de `posicoes`, e ele muda de um token para o outro?"
erro = "O primeiro token fica com a linha 0, o segundo com a linha 1, e assim por diante."

[desde_um]
imita = {lugar = "um"}
dica = "As posições começaram em 1; o primeiro token é o da linha 0."
pergunta = "Onde a sua contagem começa?"
erro = "`enumerate(ids)` e `torch.arange(len(ids))` começam em 0."

[do_fim]
imita = [{lugar = "fim"}, {lugar = "contrário"}]
dica = "As posições foram contadas do fim; contam-se do começo da frase."
pergunta = "Que linha de `posicoes` o primeiro token recebe?"
erro = "O primeiro token fica com a linha 0."

[tabela_na_ordem]
imita = {conta = "tabela na ordem"}
dica = "A linha de `tabela` foi escolhida pelo lugar; quem a escolhe é o id."
pergunta = "Que índice vai em `tabela`, e que índice vai em `posicoes`?"
erro = "O id escolhe a linha da tabela de tokens; o lugar, a da tabela de posições."

[outra_conta]
imita = [{conta = "produto"}, {conta = "diferença"}]
dica = "Os dois vetores se somam; a sua conta é outra."
pergunta = "Que sinal está entre os dois vetores?"
erro = "É o do token mais o do lugar."

[tudo_somado]
imita = {conta = "tudo somado"}
dica = "Saiu um vetor só, com tudo somado; esperava um por token."
pergunta = "Quantos vetores entram no modelo, se a frase tem T tokens?"
erro = "`torch.stack` põe os T vetores numa tabela (T, C)."

[emendadas]
imita = {conta = "emendadas"}
dica = "As duas tabelas foram emendadas; é para somar, lugar a lugar."
pergunta = "Quantas linhas tem o que você devolveu?"
erro = "Com T tokens saem T linhas, cada uma a soma de duas."
""")
def entrada(resposta):
    """`f(ids, tabela, posicoes)`: o vetor de cada token mais o do seu lugar, (T, C)."""
    exigir(resposta)
    casos = [(ids, torch.randn(V, C, generator=sorteio(i)), torch.randn(9, C, generator=sorteio(30 + i)))
             for i, (ids, V, C) in enumerate([([4, 2, 4, 0, 6], 7, 3), ([1, 1, 5], 6, 4), ([3], 8, 2)])]
    julgar("entrada", [um_tensor(chamar(resposta, *caso)) for caso in casos], casos, _entrada, "T C")
    return "Cada token tem o seu vetor mais o do seu lugar, em três frases."


def _posicoes(ids, fim, comeco=0, recomeco=0, modo="depois", fim_certo=True):
    fim = fim if fim_certo else 0
    saem, agora, recomecou = [], comeco, False
    for i in ids:
        if modo == "no fim" and i == fim:
            agora = recomeco
        if modo == "fim e depois" and i == fim:
            saem.append(0)
            agora = recomeco
            continue
        if modo == "sem o fim" and i == fim:
            agora = recomeco
            continue
        saem.append(agora)
        agora += 1
        if i == fim and modo in ("depois", "só uma vez") and not (recomecou and modo == "só uma vez"):
            agora, recomecou = recomeco, True
    return torch.tensor(saem)


@exercicio(r"""
onde = "Lição 01, «A ordem importa»."

[nunca_recomeca]
imita = {modo = "nunca"}
dica = "A contagem nunca recomeça: depois de um `<fim>`, o próximo token é o primeiro de outra história."
pergunta = "O que a sua função faz quando o token é `fim`?"
erro = "Depois de dar a posição do `<fim>`, a contagem volta a 0."

[recomeca_no_fim]
imita = {modo = "no fim"}
dica = "A contagem recomeçou no próprio `<fim>`, que ainda é da história que acaba; quem recebe 0 é o token seguinte."
pergunta = "O que vem primeiro no seu laço: guardar a posição ou voltar a 0?"
erro = "Guarda-se a posição do `<fim>`, e só depois a contagem volta a 0."

[fim_zerado]
imita = {modo = "fim e depois"}
dica = "O `<fim>` recebeu 0; ele é o último token da sua história, e continua a contagem dela."
pergunta = "Se a história tem 3 palavras e um `<fim>`, que posições ela usa?"
erro = "São 0, 1, 2 e 3."

[sem_o_fim]
imita = {modo = "sem o fim"}
dica = "Faltam posições: o `<fim>` também é um token, e também recebe a sua."
pergunta = "Quantos números há na lista que saiu, e quantos ids entraram?"
erro = "Sai um número por id."

[desde_um]
imita = {comeco = 1, recomeco = 1}
dica = "A contagem começou em 1; o primeiro token de cada história é o 0."
pergunta = "Onde a sua contagem começa?"
erro = "O vetor do primeiro lugar é o da linha 0 da tabela."

[recomeca_em_um]
imita = {recomeco = 1}
dica = "A primeira história começa em 0, mas as outras, em 1."
pergunta = "Depois do `<fim>`, o seu contador ainda soma 1 antes de ser guardado?"
erro = "O token que vem logo depois do `<fim>` recebe 0."

[so_uma_vez]
imita = {modo = "só uma vez"}
dica = "A contagem só recomeçou uma vez; recomeça depois de cada `<fim>`."
pergunta = "O que acontece na sua função quando chega o segundo `<fim>`?"
erro = "A lista pode ter muitas histórias."

[fim_fixo]
imita = {fim_certo = false}
dica = "A função compara com 0; o id do `<fim>` é o que vem no argumento `fim`."
pergunta = "Onde o argumento `fim` entra na sua função?"
erro = "No tokenizador do curso o `<fim>` é o 0, mas a função recebe o número."

[nao_e_lista]
dica = "Devolveu {veio}; esperava uma lista de inteiros, um por id."
pergunta = "O que está depois do `return`?"
erro = "Saem as posições, como [0, 1, 2, 0, 1], e não os vetores."
""")
def contar_posicoes(resposta):
    """`f(ids, fim)`: a posição de cada id, recomeçando em 0 depois de cada `fim`."""
    exigir(resposta)
    casos = [([5, 3, 0, 7, 2, 0, 4, 4, 4, 0], 0), ([2, 9, 1, 9, 9, 0, 3, 0, 9, 6, 6], 9), ([0, 8, 8], 0), ([1, 2, 3, 4], 0), ([7], 7)]
    saidas = []
    for caso in casos:
        veio = chamar(resposta, *caso)
        itens = uma_sequencia(veio)
        if itens is None and e_um(veio, torch.Tensor) and (simples := comum(veio)) is not None and simples.dim() == 1:
            itens = simples.tolist()
        if itens is None or not all(type(cru(n)) is int for n in itens):
            raise diga("contar_posicoes.nao_e_lista", veio=descrever(veio))
        saidas.append(torch.tensor([um_inteiro(cru(n)) for n in itens]))
    julgar("contar_posicoes", saidas, casos, _posicoes, "T")
    return "A contagem recomeça depois de cada `<fim>`."
