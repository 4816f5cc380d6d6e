"""Treino: respostas certas e erradas."""

import torch
import torch.nn.functional as F
from torch import nn

from apoio.confere.licoes.treino import _descida, _perda, _ritmo
from respostas import certa, errada, imita

# -- alvos ------------------------------------------------------------------------------------------------

@certa("alvos")
def alvos_em_blocos(tokens, context_length):
    n = (len(tokens) - 1) // context_length
    ids = torch.tensor(tokens)
    return ids[: n * context_length].view(n, -1), ids[1 : n * context_length + 1].view(n, -1)


@certa("alvos")
def alvos_deslizantes(tokens, context_length):
    inicios = range(len(tokens) - context_length)
    x = torch.tensor([tokens[i : i + context_length] for i in inicios])
    y = torch.tensor([tokens[i + 1 : i + 1 + context_length] for i in inicios])
    return x, y


@certa("alvos")
def alvos_unfold(tokens, T):
    janelas = tokens.unfold(0, T + 1, T)
    return janelas[:, :-1], janelas[:, 1:]


@errada("alvos", "não foram deslocados")
def alvos_iguais(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, x.clone()


@errada("alvos", "lado errado")
def alvos_trocados(tokens, T):
    x, y = alvos_em_blocos(tokens, T)
    return y, x


@errada("alvos", "último alvo", "deu a volta")
def alvos_roll(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, x.roll(-1, 1)


@errada("alvos", "último alvo", "não é o token seguinte")
def alvos_menos_cem(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, torch.cat([x[:, 1:], torch.full((len(x), 1), -100)], 1)


@errada("alvos", "dois tokens")
def alvos_de_dois(tokens, T):
    inicios = range(len(tokens) - T - 1)
    return (torch.tensor([tokens[i : i + T] for i in inicios]), torch.tensor([tokens[i + 2 : i + 2 + T] for i in inicios]))


@errada("alvos", "Faltam janelas")
def alvos_uma_janela(tokens, T):
    ids = torch.tensor(tokens)
    return ids[None, :T], ids[None, 1 : T + 1]


@errada("alvos", "Faltam janelas")
def alvos_uma_a_menos(tokens, T):
    x, y = alvos_em_blocos(tokens, T)
    return x[:-1], y[:-1]


@errada("alvos", "A forma veio (4,)", "N: janelas")
def alvos_sem_lote(tokens, T):
    ids = torch.tensor(tokens)
    return ids[:T], ids[1 : T + 1]


@errada("alvos", "`x` tem forma", "`y` tem")
def alvos_y_curto(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, x[:, 1:]


@errada("alvos", "último alvo", "deu a volta")
def alvos_roll_do_texto(tokens, T):
    ids = torch.tensor(tokens)
    n = len(ids) // T
    return ids[: n * T].view(n, T), ids.roll(-1)[: n * T].view(n, T)


# -- perda ------------------------------------------------------------------------------------------------

@certa("perda")
def perda_cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@certa("perda")
def perda_transposta(logits, targets):
    return nn.CrossEntropyLoss()(logits.transpose(1, 2), targets)


@certa("perda")
def perda_a_mao(logits, targets):
    B, T, V = logits.shape
    probs = logits.double().softmax(-1).reshape(B * T, V)
    return -probs[torch.arange(B * T), targets.reshape(-1)].log().mean()


@errada("perda", "achatados em ordens diferentes")
def perda_view(logits, targets):
    B, T, V = logits.shape
    return F.cross_entropy(logits.view(B, V, T), targets)


@errada("perda", "achatados em ordens diferentes")
def perda_alvos_deitados(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.T.flatten())


@errada("perda", "achatados em ordens diferentes")
def perda_com_a_tabela_deitada(logits, targets):
    return F.cross_entropy(logits.reshape(logits.size(-1), -1).T, targets.flatten())


@errada("perda", "Devolveu", "torch.from_numpy")
def perda_em_numpy(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).numpy()


@errada("perda", "só a última posição")
def perda_ultima(logits, targets):
    return F.cross_entropy(logits[:, -1], targets[:, -1])


@errada("perda", "somada", "média")
def perda_soma(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")


@errada("perda", "Faltou o sinal")
def perda_sem_sinal(logits, targets):
    return logits.log_softmax(-1).gather(-1, targets[..., None]).mean()


@errada("perda", "softmax entrou duas vezes")
def perda_softmax_duplo(logits, targets):
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten())


@errada("perda", "uma perda por posição", "(10,)")
def perda_sem_media(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")


@errada("perda", "float", "`.item()`")
def perda_item(logits, targets):
    return perda_cross_entropy(logits, targets).item()


@errada("perda", "base 2")
def perda_em_bits(logits, targets):
    return -torch.log2(logits.softmax(-1)).gather(-1, targets[..., None]).mean()


@errada("perda", "gradiente não chega")
def perda_refeita(logits, targets):
    return torch.tensor(perda_cross_entropy(logits, targets).item())


# -- passo de treino --------------------------------------------------------------------------------------

@certa("passo_de_treino")
def passo_da_licao(model, optimizer, x, y):
    _, loss = model(x, y)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@certa("passo_de_treino")
def passo_que_apaga_no_fim(model, optimizer, x, y):
    model.train()
    loss = F.cross_entropy(model(x)[0].flatten(0, 1), y.flatten())
    loss.backward()
    optimizer.step()
    model.zero_grad()
    return float(loss)


@errada("passo_de_treino", "Faltou `optimizer.zero_grad()`")
def passo_sem_zero_grad(model, optimizer, x, y):
    loss = model(x, y)[1]
    loss.backward()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "`step` veio antes do `backward`")
def passo_trocado(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    optimizer.step()
    loss.backward()
    return loss.item()


@errada("passo_de_treino", "`zero_grad` veio entre")
def passo_apaga_no_meio(model, optimizer, x, y):
    loss = model(x, y)[1]
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "Falta `loss.backward()`")
def passo_sem_backward(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "Falta `optimizer.step()`")
def passo_sem_step(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


@errada("passo_de_treino", "um tensor", "`loss.item()`")
def passo_devolve_tensor(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


@errada("passo_de_treino", "não devolveu a perda")
def passo_sem_return(model, optimizer, x, y):
    passo_da_licao(model, optimizer, x, y)


@errada("passo_de_treino", "depois do passo")
def passo_perda_de_depois(model, optimizer, x, y):
    passo_da_licao(model, optimizer, x, y)
    return model(x, y)[1].item()


@errada("passo_de_treino", "tupla", "`logits, loss = model(x, y)`")
def passo_com_tupla(model, optimizer, x, y):
    loss = model(x, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "não são os da perda média")
def passo_so_a_ultima(model, optimizer, x, y):
    loss = F.cross_entropy(model(x)[0][:, -1], y[:, -1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

@errada("perda", "tantos eixos quantos a tabela")
def perda_com_gather_torto(logits, targets):
    return -logits.log_softmax(-1).gather(-1, targets).mean()


@errada("passo_de_treino", "`backward` parte de um número só")
def passo_pelos_logits(model, optimizer, x, y):
    logits, perda = model(x, y)
    optimizer.zero_grad()
    logits.backward()
    optimizer.step()
    return perda.item()


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@errada("perda", "veio inf", "antes do logaritmo")
def perda_log_do_softmax(logits, targets):
    return -logits.softmax(-1).log().gather(-1, targets[..., None]).mean()


@errada("perda", "veio nan", "exponencial estourou")
def perda_com_exponencial(logits, targets):
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return -p.gather(-1, targets[..., None]).log().mean()


@errada("perda", "veio 18", "antes do logaritmo")
def perda_com_um_pouquinho(logits, targets):
    return -(logits.softmax(-1).gather(-1, targets[..., None]) + 1e-16).log().mean()


@errada("passo_de_treino", "modo de avaliação")
def passo_em_eval(model, optimizer, x, y):
    model.eval()
    return passo_da_licao(model, optimizer, x, y)


@errada("passo_de_treino", "O modelo ficou em modo de avaliação")
def passo_que_deixa_em_eval(model, optimizer, x, y):
    perda = passo_da_licao(model, optimizer, x, y)
    model.eval()
    return perda


@errada("passo_de_treino", "O modelo rodou em modo de avaliação")
def passo_com_os_blocos_em_eval(model, optimizer, x, y):
    model.blocks.eval()
    perda = passo_da_licao(model, optimizer, x, y)
    model.train()
    return perda


@errada("passo_de_treino", "chamado 2 vezes")
def passo_com_dois_steps(model, optimizer, x, y):
    perda = passo_da_licao(model, optimizer, x, y)
    optimizer.step()
    return perda


@errada("alvos", "tokens que se repetem")
def alvos_pelo_valor(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, torch.tensor([[tokens[tokens.index(v) + 1] for v in linha] for linha in x.tolist()])


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("perda")(lambda **a: lambda logits, targets: _perda(logits, targets, **a))
imita("descida")(lambda **a: lambda w, x, y, lr: _descida(w, x, y, lr, **a))
imita("ritmo")(lambda **a: lambda passo, passos: _ritmo(passo, passos, **a))


# -- a descida, o ritmo e as metades --------------------------------------------------------------------------

@certa("descida")
def descida_a_lapis(w, x, y, lr):
    inclinacao = 2 * (w * x - y) * x
    return w - lr * inclinacao


@certa("descida")
def descida_com_backward(w, x, y, lr):
    w = torch.tensor(w, requires_grad=True)
    perda = (w * x - y) ** 2
    perda.backward()
    with torch.no_grad():
        w -= lr * w.grad
    return w.detach()


@errada("descida", "a favor da inclinação")
def descida_que_sobe(w, x, y, lr):
    return w + lr * 2 * (w * x - y) * x


@errada("descida", "Faltou o 2")
def descida_sem_o_dois(w, x, y, lr):
    return w - lr * (w * x - y) * x


@errada("descida", "multiplicar a inclinação por `x`")
def descida_sem_o_x(w, x, y, lr):
    return w - lr * 2 * (w * x - y)


@errada("descida", "`lr` ficou de fora")
def descida_sem_a_taxa(w, x, y, lr):
    return w - 2 * (w * x - y) * x


@errada("descida", "Isto é a inclinação")
def descida_so_a_inclinacao(w, x, y, lr):
    return 2 * (w * x - y) * x


@errada("descida", "Isto é a perda")
def descida_so_a_perda(w, x, y, lr):
    return (w * x - y) ** 2


@errada("descida", "esperava um número só")
def descida_em_dupla(w, x, y, lr):
    return w - lr * 2 * (w * x - y) * x, (w * x - y) ** 2


@certa("ritmo")
def ritmo_com_min(passo, passos):
    metade = passos // 2
    return min(1, (passos - passo) / (passos - metade))


@certa("ritmo")
def ritmo_com_if(passo, passos):
    if passo <= passos / 2:
        return 1.0
    return 2 - 2 * passo / passos


@errada("ritmo", "desde o primeiro passo")
def ritmo_sem_patamar(passo, passos):
    return 1 - passo / passos


@errada("ritmo", "não desce")
def ritmo_constante(passo, passos):
    return 1.0


@errada("ritmo", "passa de 1")
def ritmo_que_passa_de_um(passo, passos):
    return (passos - passo) / (passos // 2)


@errada("ritmo", "de uma vez")
def ritmo_com_divisao_inteira(passo, passos):
    if passo <= passos // 2:
        return 1
    return (passos - passo) // (passos // 2)


@errada("ritmo", "salta de 1")
def ritmo_que_salta(passo, passos):
    return 1 if passo <= passos // 2 else (passos - passo) / passos


@errada("ritmo", "a fração sobe")
def ritmo_que_sobe_depois(passo, passos):
    return 1 if passo <= passos // 2 else (passo - passos // 2) / (passos - passos // 2)


@certa("acumular")
def acumular_num_laco(model, optimizer, x, y):
    optimizer.zero_grad()
    total, metade = 0.0, len(x) // 2
    for inicio in (0, metade):
        perda = model(x[inicio : inicio + metade], y[inicio : inicio + metade])[1] / 2
        perda.backward()
        total += perda.item()
    optimizer.step()
    return total


@certa("acumular")
def acumular_e_dividir_no_fim(model, optimizer, x, y):
    total = 0.0
    for parte_x, parte_y in zip(x.chunk(2), y.chunk(2)):
        perda = model(parte_x, parte_y)[1]
        perda.backward()
        total += perda.item()
    for p in model.parameters():
        p.grad /= 2
    optimizer.step()
    optimizer.zero_grad()
    return total / 2


@errada("acumular", "linhas de uma vez")
def acumular_o_lote_inteiro(model, optimizer, x, y):
    return passo_da_licao(model, optimizer, x, y)


@errada("acumular", "o dobro")
def acumular_sem_dividir(model, optimizer, x, y):
    optimizer.zero_grad()
    perdas = [model(a, b)[1] for a, b in zip(x.chunk(2), y.chunk(2))]
    for perda in perdas:
        perda.backward()
    optimizer.step()
    return sum(perda.item() for perda in perdas) / 2


@errada("acumular", "Só uma metade")
def acumular_apagando_no_meio(model, optimizer, x, y):
    total = 0.0
    for a, b in zip(x.chunk(2), y.chunk(2)):
        perda = model(a, b)[1] / 2
        optimizer.zero_grad()
        perda.backward()
        total += perda.item()
    optimizer.step()
    return total


@errada("acumular", "chamado 2 vezes")
def acumular_com_dois_steps(model, optimizer, x, y):
    total = 0.0
    for a, b in zip(x.chunk(2), y.chunk(2)):
        total += passo_da_licao(model, optimizer, a, b)
    return total / 2


@errada("acumular", "Faltou `optimizer.zero_grad()`")
def acumular_sem_apagar(model, optimizer, x, y):
    total = 0.0
    for a, b in zip(x.chunk(2), y.chunk(2)):
        perda = model(a, b)[1] / 2
        perda.backward()
        total += perda.item()
    optimizer.step()
    return total


@errada("acumular", "a soma das duas metades")
def acumular_perda_somada(model, optimizer, x, y):
    return 2 * acumular_num_laco(model, optimizer, x, y)


@errada("acumular", "a de uma metade")
def acumular_perda_da_ultima(model, optimizer, x, y):
    optimizer.zero_grad()
    for a, b in zip(x.chunk(2), y.chunk(2)):
        perda = model(a, b)[1] / 2
        perda.backward()
    optimizer.step()
    return perda.item()


@errada("acumular", "Só uma metade")
def acumular_so_a_primeira(model, optimizer, x, y):
    return passo_da_licao(model, optimizer, x[: len(x) // 2], y[: len(x) // 2])
