"""Cada classe contra a do PyTorch: mesmos pesos, mesmas saídas, mesmos gradientes."""

import math

import pytest
import torch
from torch import nn

from gptmini import GELU, CausalSelfAttention, FeedForward, GPTConfig, GPTMini, LayerNorm, TransformerBlock

FICHAS = [
    GPTConfig(vocab_size=11, context_length=8, d_model=12, n_heads=3, n_layers=2),
    GPTConfig(vocab_size=7, context_length=16, d_model=32, n_heads=4, n_layers=3, bias=False, tie_weights=False),
]
PERTO = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(params=FICHAS, ids=["com-vies", "sem-vies"])
def ficha(request):
    torch.manual_seed(0)
    return request.param


def entrada(ficha, B=2):
    return torch.randn(B, ficha.context_length, ficha.d_model, requires_grad=True)


def iguais(minha, x, referencia, pares):
    """Compara saída, gradiente da entrada e gradientes dos parâmetros."""
    outro = x.detach().clone().requires_grad_()
    y, z = minha(x), referencia(outro)
    peso = torch.randn(y.shape)
    (y * peso).sum().backward()
    (z * peso).sum().backward()
    torch.testing.assert_close(y, z, **PERTO)
    torch.testing.assert_close(x.grad, outro.grad, **PERTO)
    for meu, dele in pares:
        torch.testing.assert_close(meu.grad, dele.grad, **PERTO)


def copiar(de, para):
    with torch.no_grad():
        for origem, destino in zip(de, para):
            destino.copy_(origem)


def test_atencao_igual_a_multihead_attention(ficha):
    minha = CausalSelfAttention(ficha)
    dele = nn.MultiheadAttention(ficha.d_model, ficha.n_heads, bias=ficha.bias, batch_first=True)
    pares = [(minha.qkv.weight, dele.in_proj_weight), (minha.proj.weight, dele.out_proj.weight)]
    if ficha.bias:
        pares += [(minha.qkv.bias, dele.in_proj_bias), (minha.proj.bias, dele.out_proj.bias)]
    copiar(*zip(*pares))
    mascara = nn.Transformer.generate_square_subsequent_mask(ficha.context_length)
    iguais(minha, entrada(ficha), lambda x: dele(x, x, x, attn_mask=mascara, need_weights=False)[0], pares)


def test_pesos_da_atencao_somam_um_e_nao_olham_o_futuro(ficha):
    x = entrada(ficha)
    saida, pesos = CausalSelfAttention(ficha)(x, return_weights=True)
    T = ficha.context_length
    assert saida.shape == x.shape and pesos.shape == (2, ficha.n_heads, T, T)
    torch.testing.assert_close(pesos.sum(-1), torch.ones(2, ficha.n_heads, T))
    assert (pesos.triu(1) == 0).all()


def test_feedforward_igual_a_sequencia_do_pytorch(ficha):
    minha = FeedForward(ficha)
    C = ficha.d_model
    dele = nn.Sequential(nn.Linear(C, 4 * C, ficha.bias), nn.GELU(approximate="tanh"), nn.Linear(4 * C, C, ficha.bias))
    pares = list(zip(minha.parameters(), dele.parameters()))
    copiar(*zip(*pares))
    iguais(minha, entrada(ficha), dele, pares)


def test_gelu_pela_formula():
    x = torch.linspace(-4, 4, 101)
    formula = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    torch.testing.assert_close(GELU()(x), formula, **PERTO)


def test_layernorm_igual_a_do_pytorch(ficha):
    minha, dele = LayerNorm(ficha.d_model), nn.LayerNorm(ficha.d_model)
    with torch.no_grad():
        minha.gain.normal_(), minha.bias.normal_()
    pares = [(minha.gain, dele.weight), (minha.bias, dele.bias)]
    copiar(*zip(*pares))
    iguais(minha, entrada(ficha), dele, pares)


def test_bloco_igual_ao_encoder_layer_pre_ln():
    ficha = FICHAS[0]
    torch.manual_seed(0)
    minha = TransformerBlock(ficha)
    dele = nn.TransformerEncoderLayer(ficha.d_model, ficha.n_heads, 4 * ficha.d_model, dropout=0.0, norm_first=True,
                                      activation=GELU(), batch_first=True)
    atencao, rede = minha.attention, minha.feedforward
    pares = [(atencao.qkv.weight, dele.self_attn.in_proj_weight), (atencao.qkv.bias, dele.self_attn.in_proj_bias)]
    for meu, do_pytorch in ((atencao.proj, dele.self_attn.out_proj), (rede.expand, dele.linear1), (rede.contract, dele.linear2)):
        pares += [(meu.weight, do_pytorch.weight), (meu.bias, do_pytorch.bias)]
    for meu, do_pytorch in ((minha.norm1, dele.norm1), (minha.norm2, dele.norm2)):
        pares += [(meu.gain, do_pytorch.weight), (meu.bias, do_pytorch.bias)]
    copiar(*zip(*pares))
    mascara = nn.Transformer.generate_square_subsequent_mask(ficha.context_length)
    iguais(minha, entrada(ficha), lambda x: dele(x, src_mask=mascara), pares)


def test_mexer_no_futuro_nao_muda_o_passado(ficha):
    modelo = GPTMini(ficha)
    idx = torch.randint(ficha.vocab_size, (3, ficha.context_length))
    outro = idx.clone()
    outro[:, 5:] = (outro[:, 5:] + 1) % ficha.vocab_size
    antes, depois = modelo(idx)[0], modelo(outro)[0]
    assert torch.equal(antes[:, :5], depois[:, :5])
    assert not torch.allclose(antes[:, 5:], depois[:, 5:])


def test_a_perda_conta_todas_as_posicoes_menos_as_marcadas(ficha):
    modelo = GPTMini(ficha)
    idx, alvos = torch.randint(ficha.vocab_size, (2, 2, 6)).unbind()
    alvos[0, 3:] = -100
    logits, perda = modelo(idx, alvos)
    por_posicao = -logits.log_softmax(-1).gather(-1, alvos.clamp(min=0)[..., None])[..., 0]
    torch.testing.assert_close(perda, por_posicao[alvos != -100].mean())


def test_parametros_contados_a_mao(ficha):
    C, V, T, N = ficha.d_model, ficha.vocab_size, ficha.context_length, ficha.n_layers
    bloco = 12 * C * C + (9 * C if ficha.bias else 0) + 4 * C
    saida = 0 if ficha.tie_weights else V * C
    assert GPTMini(ficha).num_parameters() == V * C + T * C + N * bloco + 2 * C + saida


def test_as_formas_do_gpt2_batem_no_dispositivo_meta():
    quantos = {(768, 12, 12): 124_439_808, (1024, 16, 24): 354_823_168}
    for (C, nh, N), esperado in quantos.items():
        with torch.device("meta"):
            assert GPTMini(GPTConfig(50257, 1024, C, nh, N)).num_parameters() == esperado


def test_a_primeira_perda_e_a_do_acaso(ficha):
    torch.manual_seed(1)
    idx, alvos = torch.randint(ficha.vocab_size, (2, 64, ficha.context_length)).unbind()
    assert abs(GPTMini(ficha)(idx, alvos)[1].item() - math.log(ficha.vocab_size)) < 0.1


def test_dropout_so_age_no_treino():
    ficha = GPTConfig(11, 8, 12, 3, 2, dropout=0.5)
    modelo, idx = GPTMini(ficha), torch.randint(11, (2, 8))
    assert not torch.equal(modelo(idx)[0], modelo(idx)[0])
    modelo.eval()
    assert torch.equal(modelo(idx)[0], modelo(idx)[0])


def test_peso_de_entrada_e_saida_e_o_mesmo_quando_atado():
    atado, solto = GPTMini(FICHAS[0]), GPTMini(FICHAS[1])
    assert atado.head.weight is atado.token_embedding.weight
    assert solto.head.weight is not solto.token_embedding.weight
