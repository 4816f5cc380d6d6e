"""Os pesos do GPT-2 dentro do GPTMini: os mesmos números que a biblioteca transformers, ou uma recusa clara."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from apoio.arquivos import abrir_gpt2
from gptmini import GPTConfig, GPTMini, generate, generate_cached

CAPITULO = Path(__file__).resolve().parent.parent / "04-gpt-do-zero"
FORMAS = {
    "pequena": {"vocab_size": 65, "n_positions": 16, "n_embd": 24, "n_head": 3, "n_layer": 2},
    "uma-cabeca": {"vocab_size": 40, "n_positions": 32, "n_embd": 16, "n_head": 1, "n_layer": 1},
    "funda": {"vocab_size": 100, "n_positions": 24, "n_embd": 64, "n_head": 8, "n_layer": 6},
    "saida-solta": {"vocab_size": 50, "n_positions": 16, "n_embd": 32, "n_head": 4, "n_layer": 2, "tie_word_embeddings": False},
}


def gpt2(forma):
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(**FORMAS[forma], bos_token_id=0, eos_token_id=None)).eval()


@pytest.fixture
def pasta(tmp_path):
    gpt2("pequena").save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("formato", ["safetensors", "bin"])
@pytest.mark.parametrize("forma", FORMAS)
@pytest.mark.uma_em(4)
def test_os_mesmos_logits_e_os_mesmos_textos_que_a_transformers(tmp_path, forma, formato):
    deles = gpt2(forma)
    deles.save_pretrained(tmp_path)
    if formato == "bin":
        (tmp_path / "model.safetensors").unlink()
        torch.save(deles.state_dict(), tmp_path / "pytorch_model.bin")
    nosso = abrir_gpt2(tmp_path)
    V, T = FORMAS[forma]["vocab_size"], FORMAS[forma]["n_positions"]
    idx = torch.randint(V, (3, T), generator=torch.Generator().manual_seed(1))
    assert not nosso.training and nosso.num_parameters() == deles.num_parameters()
    with torch.no_grad():
        torch.testing.assert_close(nosso(idx)[0], deles(idx).logits, atol=1e-4, rtol=0)
    guloso = deles.generate(idx[:, :4], max_new_tokens=T - 4, do_sample=False, attention_mask=torch.ones(3, 4), pad_token_id=0)
    assert torch.equal(generate(nosso, idx[:, :4], T - 4, temperature=0), guloso)
    assert torch.equal(generate_cached(nosso, idx[:, :4], T - 4, temperature=0), guloso)


def test_com_pesos_grandes_tambem(tmp_path):
    deles = gpt2("funda")
    with torch.no_grad():
        for nome, p in deles.named_parameters():
            p.normal_(1.0 if "ln_" in nome and "weight" in nome else 0.0, 0.15)      # vieses e ganhos contam
    deles.save_pretrained(tmp_path)
    idx = torch.randint(100, (2, 24))
    with torch.no_grad():
        esperado = deles(idx).logits
        torch.testing.assert_close(abrir_gpt2(tmp_path)(idx)[0], esperado, atol=1e-4 * esperado.abs().max().item(), rtol=0)


def test_os_nomes_sem_prefixo_e_as_mascaras_dos_arquivos_antigos(pasta):
    arquivo = pasta / "model.safetensors"
    pesos = {nome.removeprefix("transformer."): p for nome, p in load_file(arquivo).items()}
    antigos = pesos | {"h.0.attn.bias": torch.ones(1, 1, 16, 16).tril(), "h.0.attn.masked_bias": torch.tensor(-1e4),
                       "lm_head.weight": pesos["wte.weight"].clone()}
    esperado = abrir_gpt2(pasta)
    save_file(antigos, arquivo)
    assert all(torch.equal(a, b) for a, b in zip(abrir_gpt2(pasta).parameters(), esperado.parameters(), strict=True))


def test_meia_precisao_vira_fp32(pasta):
    arquivo = pasta / "model.safetensors"
    save_file({nome: p.half() for nome, p in load_file(arquivo).items()}, arquivo)
    assert {p.dtype for p in abrir_gpt2(pasta).parameters()} == {torch.float32}


@pytest.mark.parametrize("C, nh, N, esperado", [(768, 12, 12, 124_439_808), (1024, 16, 24, 354_823_168),
                                                (1280, 20, 36, 774_030_080), (1600, 25, 48, 1_557_611_200)])
def test_os_quatro_tamanhos_do_gpt2(C, nh, N, esperado):
    with torch.device("meta"):
        assert GPTMini(GPTConfig(50257, 1024, C, nh, N)).num_parameters() == esperado


# -- recusas ----------------------------------------------------------------------------------------------

class Malvado:
    def __reduce__(self):
        return os.system, ("touch FUI_EXECUTADO",)


def ficha(pasta, **mudancas):
    dados = json.loads((pasta / "config.json").read_text())
    (pasta / "config.json").write_text(json.dumps(dados | mudancas))


def mexer(pasta, mudar):
    pesos = load_file(pasta / "model.safetensors")
    mudar(pesos)
    save_file(pesos, pasta / "model.safetensors")


def so_o_bin(pasta, gravar):
    (pasta / "model.safetensors").unlink()
    with open(pasta / "pytorch_model.bin", "wb") as arquivo:
        gravar(arquivo)


def cortar(arquivo, fica=0.6):
    dados = arquivo.read_bytes()
    arquivo.write_bytes(dados[: int(len(dados) * fica)])


def bin_cortado(pasta):
    so_o_bin(pasta, lambda arquivo: torch.save(gpt2("pequena").state_dict(), arquivo))
    cortar(pasta / "pytorch_model.bin")


RUINS = {
    "sem-ficha": (lambda p: (p / "config.json").unlink(), "esperava config.json"),
    "sem-pesos": (lambda p: (p / "model.safetensors").unlink(), "model.safetensors ou pytorch_model.bin"),
    "ficha-quebrada": (lambda p: (p / "config.json").write_text("{"), "quebrado"),
    "ficha-que-e-uma-lista": (lambda p: (p / "config.json").write_text("[1, 2]"), "quebrado"),
    "ficha-sem-formas": (lambda p: (p / "config.json").write_text("{}"), "vocab_size"),
    "safetensors-cortado": (lambda p: cortar(p / "model.safetensors"), "quebrado"),
    "safetensors-vazio": (lambda p: (p / "model.safetensors").write_bytes(b""), "quebrado"),
    "pagina-de-erro-no-lugar-dos-pesos": (lambda p: (p / "model.safetensors").write_text("<html>404</html>"), "quebrado"),
    "bin-cortado": (bin_cortado, "quebrado"),
    "bin-que-nao-e-um-dicionario": (lambda p: so_o_bin(p, lambda a: torch.save([1, 2], a)), "quebrado"),
    "bin-com-outra-coisa-dentro": (lambda p: so_o_bin(p, lambda a: torch.save({"wte.weight": "oi"}, a)), "quebrado"),
    "falta-um-peso": (lambda p: mexer(p, lambda w: w.pop("transformer.ln_f.bias")), "ln_f.bias não veio"),
    "outra-forma": (lambda p: mexer(p, lambda w: w.update({"transformer.wpe.weight": torch.zeros(8, 24)})), r"wpe.weight.*\(8, 24\).*\(16, 24\)"),
    "transposto": (lambda p: mexer(p, lambda w: w.update({"transformer.h.1.mlp.c_fc.weight": torch.zeros(96, 24)})), "h.1.mlp.c_fc.weight"),
    "sobra-um-peso": (lambda p: mexer(p, lambda w: w.update({"transformer.h.0.crossattention.bias": torch.zeros(3)})), "sobra"),
    "sobra-um-bloco": (lambda p: ficha(p, n_layer=1), "sobra"),
    "falta-um-bloco": (lambda p: ficha(p, n_layer=3), "h.2.*não veio"),
    "saida-solta-que-nao-veio": (lambda p: ficha(p, tie_word_embeddings=False), "lm_head.weight não veio"),
    "outra-ativacao": (lambda p: ficha(p, activation_function="relu"), "relu"),
    "outro-epsilon": (lambda p: ficha(p, layer_norm_epsilon=1e-6), "layer_norm_epsilon"),
    "cabecas-que-nao-dividem": (lambda p: ficha(p, n_head=5), "n_heads"),
    "um-nan": (lambda p: mexer(p, lambda w: w["transformer.wte.weight"].view(-1)[7:8].fill_(float("nan"))), "wte.weight tem inteiros, nan ou infinito"),
    "um-infinito": (lambda p: mexer(p, lambda w: w["transformer.ln_f.bias"][3:4].fill_(float("inf"))), "ln_f.bias tem inteiros, nan ou infinito"),
    "pesos-inteiros": (lambda p: mexer(p, lambda w: w.update({"transformer.ln_f.weight": torch.ones(24, dtype=torch.long)})), "ln_f.weight tem inteiros"),
    "blocos-sem-conta": (lambda p: ficha(p, n_layer=10**9), "falta parte do modelo"),
    "contexto-enorme": (lambda p: ficha(p, n_positions=2**30), r"wpe.weight veio com forma \(16, 24\)"),
    "vetores-enormes": (lambda p: ficha(p, n_embd=3 * 2**28, n_head=3), "wte.weight veio com forma"),
    "bilhete-do-git-lfs": (lambda p: (p / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"), "git lfs pull"),
    "em-pedacos": (lambda p: (p / "model.safetensors").rename(p / "model-00001-of-00002.safetensors"), "em pedaços"),
    "formas-que-nao-sao-numeros": (lambda p: ficha(p, n_layer="doze"), "n_layers"),
}


def test_a_ficha_antiga_que_diz_n_ctx(pasta):
    dados = json.loads((pasta / "config.json").read_text())
    dados["n_ctx"] = dados.pop("n_positions")
    (pasta / "config.json").write_text(json.dumps(dados))
    assert abrir_gpt2(pasta).config.context_length == 16


def test_carregar_nao_mexe_no_sorteio(pasta):
    acaso = torch.get_rng_state()
    abrir_gpt2(pasta)
    assert torch.equal(acaso, torch.get_rng_state())


@pytest.mark.parametrize("caso", RUINS)
def test_o_que_nao_serve_e_recusado_em_uma_frase(pasta, caso):
    estragar, esperado = RUINS[caso]
    estragar(pasta)
    with pytest.raises((ValueError, OSError), match=esperado) as erro:
        abrir_gpt2(pasta)
    assert "\n" not in str(erro.value) and len(str(erro.value)) < 400


@pytest.mark.parametrize("formato", ["zip", "antigo"])
def test_um_pickle_com_codigo_e_recusado_e_nada_executa(pasta, monkeypatch, formato):
    monkeypatch.chdir(pasta)
    pesos = gpt2("pequena").state_dict() | {"transformer.wte.weight": Malvado()}
    so_o_bin(pasta, lambda arquivo: torch.save(pesos, arquivo) if formato == "zip" else pickle.dump(pesos, arquivo))
    with pytest.raises(ValueError, match="mais do que pesos"):
        abrir_gpt2(pasta)
    assert not Path("FUI_EXECUTADO").exists()
    pickle.loads(pickle.dumps(Malvado()))       # a armadilha arma: fora daqui ela executaria
    assert Path("FUI_EXECUTADO").exists()


@pytest.mark.parametrize("origem", ["pasta/que-nao-existe", "gpt2", "dono/modelo-sem-revisao"])
def test_sem_pasta_nem_revisao_diz_o_que_esperava(origem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match="revisão") as erro:
        abrir_gpt2(origem)
    assert "pierreguillou/gpt2-small-portuguese" in str(erro.value)


@pytest.mark.lento
def test_sem_rede_a_frase_diz_o_que_fazer(tmp_path):
    programa = "from apoio import arquivos; arquivos.abrir_gpt2('pierreguillou/gpt2-small-portuguese')"
    ambiente = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PYTHONPATH": str(CAPITULO)}
    saida = subprocess.run([sys.executable, "-c", programa], env=ambiente, capture_output=True, text=True, check=False)
    assert saida.returncode == 1
    assert saida.stderr.strip().splitlines()[-1].startswith("apoio.arquivos.NaoVeio: pierreguillou/gpt2-small-portuguese não veio")


def test_do_hub_so_vem_a_ficha_e_um_arquivo_de_pesos_na_revisao_fixa(tmp_path, monkeypatch):
    """Um hub de mentira: no do GPT-2 português há só o .bin; no da OpenAI, o safetensors."""
    import huggingface_hub

    gpt2("pequena").save_pretrained(tmp_path / "hub")
    so_o_bin(tmp_path / "hub", lambda arquivo: torch.save(gpt2("pequena").state_dict(), arquivo))
    pedidos = []

    def de_mentira(nome, revision, allow_patterns):
        pedidos.append((nome, revision, tuple(allow_patterns)))
        destino = tmp_path / "baixado"
        destino.mkdir(exist_ok=True)
        for arquivo in allow_patterns:
            if (tmp_path / "hub" / arquivo).exists():
                (destino / arquivo).write_bytes((tmp_path / "hub" / arquivo).read_bytes())
        return str(destino)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", de_mentira)
    assert isinstance(abrir_gpt2("pierreguillou/gpt2-small-portuguese"), GPTMini)
    assert isinstance(abrir_gpt2("alguem/outro@" + "a" * 40), GPTMini)
    nomes, revisoes, arquivos = zip(*pedidos, strict=True)
    assert set(nomes) == {"pierreguillou/gpt2-small-portuguese", "alguem/outro"}
    assert all(len(revisao) == 40 for revisao in revisoes)
    assert arquivos[:2] == (("config.json", "model.safetensors"), ("config.json", "pytorch_model.bin"))
